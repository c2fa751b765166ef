/** The document with the gateway's own keys: `jwks`. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';

export interface JwksDestination {
  readonly kind: 'jwks';
  readonly maxAgeMs: number;
}

export const jwksSchema = z
  .strictObject({
    maxAge: duration({ max: '1d' })
      .prefault('5m')
      .describe('How long services may keep the document. A new key is published for longer than this before it signs.'),
  })
  .transform(({ maxAge }): JwksDestination => ({ kind: 'jwks', maxAgeMs: maxAge }));
