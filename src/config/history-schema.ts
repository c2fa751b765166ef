import { z } from 'zod';
import { filePath } from '#schema/file-path.ts';

const KEEP_MAX = 1_000;

/** Configurations that have run, to see what has changed and to go back. */
export const historySchema = z.strictObject({
  folder: filePath(
    'The folder in which configurations are kept, as they were written, so that they outlive the process. Relative to the configuration file. Without it, they are kept in memory.',
  ).optional(),
  keep: z.int().min(1).max(KEEP_MAX).default(20).describe('How many configurations are kept, the present one included.'),
});
