import { z } from 'zod';
import { anonymousConsumer, checkPlaces, credentialPlaces, toPlaces } from '#schema/credential-settings.ts';

const usual = { header: 'x-api-key' };

export const apiKeyConfig = z
  .strictObject({
    ...credentialPlaces('key', usual),
    anonymous: anonymousConsumer('key'),
    forward: z.boolean().default(false).describe('Whether the service sees the key.'),
  })
  .superRefine(checkPlaces)
  .transform(({ anonymous, forward, ...places }) => ({ anonymous, forward, ...toPlaces(places, usual) }));

export type ApiKeyConfig = z.output<typeof apiKeyConfig>;
