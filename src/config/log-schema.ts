/** The error log: what the gateway says of itself. */
import { z } from 'zod';
import { logLevels } from '#base/logger.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { syslogTargetSchema } from './access-log/syslog-target-schema.ts';
import { fileTargetSchema, hasKey } from './access-log/target-schema.ts';

export const logSchema = z.strictObject({
  level: z
    .enum(logLevels)
    .default('info')
    .describe('The least that is written: `debug`, `info`, `warn` or `error`, each with all that comes behind it.'),
  format: z
    .enum(['json', 'text'])
    .optional()
    .describe('`json`: one line of JSON for each event. `text`: for people. Without it, text on a terminal and JSON elsewhere.'),
  to: forms('`stderr`, or a map with `file` or `syslog`', [
    { isMeant: isText, schema: z.literal('stderr').transform(() => ({ kind: 'stderr' as const })) },
    { isMeant: (value) => hasKey(value, 'syslog'), schema: syslogTargetSchema },
    { isMeant: isMap, schema: fileTargetSchema },
  ])
    .prefault('stderr')
    .describe(
      'Where events go: `stderr`, `{ file: PATH }` or `{ syslog: ADDRESS }`. What does not arrive there goes to the standard error.',
    ),
});
