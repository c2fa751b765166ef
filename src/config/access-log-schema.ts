import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap } from '#schema/forms.ts';

const logTarget = forms('`stdout`, or a map with `file`', [
  { isMeant: (value) => typeof value === 'string', schema: z.literal('stdout') },
  {
    isMeant: isMap,
    schema: z.strictObject({ file: filePath('The file that lines are appended to. Relative to the configuration file.') }),
  },
]);

const accessLogMap = z.strictObject({
  to: logTarget.default('stdout').describe('Where lines go: `stdout`, or `{ file: PATH }`.'),
  flushEvery: duration({ min: '10ms', max: '1m' })
    .prefault('200ms')
    .describe('How long lines are collected before they are written.'),
});

/** One line per request. */
export const accessLogSchema = forms('the settings of the access log, or `false` for none', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  { isMeant: () => true, schema: accessLogMap },
]);
