import type { z } from 'zod';
import { filePath } from './file-path.ts';

/** A file whose text a policy is given. */
export interface AuthorityFile {
  readonly file: string;
  readonly form: 'authority';
}

/** The authorities that the certificate of a server may be of, which is no service of the configuration. */
export function authorityFile(server: string): z.ZodType<AuthorityFile, string> {
  return filePath(
    `A file with the authorities in PEM form that the certificate of ${server} may be of, in the place of those of the machine.`,
  ).transform((file): AuthorityFile => ({ file, form: 'authority' }));
}
