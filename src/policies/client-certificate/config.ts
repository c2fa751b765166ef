import { z } from 'zod';
import { anonymousConsumer } from '#schema/credential-settings.ts';

export const clientCertificateConfig = z.strictObject({
  anonymous: anonymousConsumer('certificate'),
});

export type ClientCertificateConfig = z.output<typeof clientCertificateConfig>;
