import { z } from 'zod';
import { entryName } from '#schema/name.ts';

export const clientCertificateConfig = z.strictObject({
  anonymous: entryName()
    .optional()
    .describe(
      'The consumer that those are who show no certificate. Without it they are refused; a certificate that does not count, or that is nobody’s, is refused in any case.',
    ),
});

export type ClientCertificateConfig = z.output<typeof clientCertificateConfig>;
