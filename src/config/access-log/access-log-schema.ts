/** The access log: one line per request, to one place or several. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { forms, isMap } from '#schema/forms.ts';
import { quote } from '#schema/quote.ts';
import { type LineSettings, lineSettings } from './line-settings.ts';
import { type LogTarget, targetSchema } from './target-schema.ts';

const TARGETS_MAX = 16;

/** One place, with what is said of the lines that go there. */
export interface LogSettings extends LineSettings {
  readonly to: LogTarget;
}

const ownLog = z.strictObject({
  to: targetSchema.describe('A place that lines go to.'),
  ...lineSettings,
});

const listedTarget = forms('a place such as `stdout`, or a map with `to`', [
  { isMeant: (value) => isMap(value) && Object.hasOwn(value, 'to'), schema: ownLog },
  { isMeant: () => true, schema: targetSchema.transform((to): LogSettings => ({ to })) },
]);

const targets = forms('`stdout`, a map with `file`, `http`, `otlp`, `syslog` or `kafka`, or a list of such', [
  { isMeant: Array.isArray, schema: z.array(listedTarget).min(1).max(TARGETS_MAX) },
  { isMeant: () => true, schema: targetSchema.transform((to): LogSettings[] => [{ to }]) },
]);

const accessLogMap = z
  .strictObject({
    to: targets
      .prefault('stdout')
      .describe(
        'Where lines go: `stdout`, `{ file: PATH }`, `{ http: URL }`, `{ otlp: URL }`, `{ syslog: ADDRESS }`, `{ kafka: { brokers, topic } }`, or a list of such. An item of a list may be `{ to: PLACE, … }` with its own `format`, `fields`, `filter`, `sample` and `redact`.',
      ),
    ...lineSettings,
    flushEvery: duration({ min: '10ms', max: '1m' })
      .prefault('200ms')
      .describe('How long lines are collected before they are written.'),
  })
  .superRefine(({ to }, context) => {
    const files = to.map((log) => (log.to.kind === 'file' ? log.to.file : undefined));
    for (const [index, file] of files.entries()) {
      if (file === undefined || files.indexOf(file) === index) continue;
      context.addIssue({ code: 'custom', message: `${quote(file)} is written to by another item already`, path: ['to', index] });
    }
  })
  .transform(({ to, flushEvery, ...shared }) => ({
    flushEvery,
    // An unknown key in `to` is told of, and keeps nobody from coming here.
    logs: (Array.isArray(to) ? to : []).map((own): LogSettings => ({ ...shared, ...withoutGaps(own) })),
  }));

/** One line per request. */
export const accessLogSchema = forms('the settings of the access log, or `false` for none', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  { isMeant: () => true, schema: accessLogMap },
]);

/** What a place says nothing of is as the whole log says. */
function withoutGaps(own: LogSettings): LogSettings {
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as unknown as LogSettings;
}
