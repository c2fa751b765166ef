/** Where the lines of an access log go. */
import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { type FormProblem, forms, isMap } from '#schema/forms.ts';
import { httpUrl } from '#schema/http-url.ts';
import { fieldMap } from '#schema/maps.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { freeFieldName } from '#schema/token.ts';
import { type KafkaTarget, kafkaTargetSchema } from './kafka-target-schema.ts';
import { type SyslogTarget, syslogTargetSchema } from './syslog-target-schema.ts';

const KEPT_MAX = 10_000;
const targetKinds = ['file', 'http', 'otlp', 'syslog', 'kafka'] as const;

const rotate = z
  .strictObject({
    size: bytes({ min: '1KiB', max: '1024GiB' }).optional().describe('A file that has become this long is put aside.'),
    every: duration({ min: '1s', max: '24d' }).optional().describe('A file is put aside after this time, if it has lines.'),
    keep: z
      .int()
      .min(1)
      .max(KEPT_MAX)
      .default(10)
      .describe('How many of the files that were put aside are kept; older ones are deleted.'),
    gzip: z.boolean().default(false).describe('Whether files that were put aside are compressed.'),
  })
  .superRefine(({ size, every }, context) => {
    if (size === undefined && every === undefined)
      context.addIssue({ code: 'custom', message: 'there is neither `size` nor `every`, so nothing would ever be put aside' });
  });

export const fileTargetSchema = z
  .strictObject({
    file: filePath('The file that lines are appended to. Relative to the configuration file.'),
    rotate: rotate
      .optional()
      .describe(
        'When the gateway puts the file aside itself and begins a new one. Without it, somebody else does, and sends SIGHUP.',
      ),
  })
  .transform((target) => ({ kind: 'file' as const, ...target }));

/** Of those who are posted batches. */
export const posting = {
  headers: fieldMap(freeFieldName(), secret())
    .prefault({})
    .describe('Header fields of each request, such as `authorization: Bearer ${env:LOG_TOKEN}`.'),
  timeout: duration({ min: '100ms', max: '1m' }).prefault('10s').describe('How long one request may take.'),
  retryFor: duration({ max: '1h' })
    .prefault('5m')
    .describe('How long a batch is sent again that was refused for the moment (429, 502, 503, 504) or got no answer.'),
  gzip: z.boolean().default(true).describe('Whether batches are compressed.'),
  ca: filePath('Relative to the configuration file.')
    .optional()
    .describe('Certificates that are trusted in the place of those of the system, PEM.'),
};

const http = z
  .strictObject({
    http: httpUrl('Where batches of lines are posted to.'),
    ...posting,
    contentType: z
      .string()
      .regex(/^[\x21-\x7e]+(?:[ ;=\w.+-]*)$/, { error: 'this is no media type; write one such as `application/x-ndjson`' })
      .optional()
      .describe(
        'The media type of a batch: `application/x-ndjson`, or `text/plain` where lines are no JSON, if it is not given.',
      ),
  })
  .transform(({ http: url, ...target }) => ({ kind: 'http' as const, url, ...target }));

const otlp = z
  .strictObject({
    otlp: httpUrl(
      'The address of the collector, such as `http://collector:4318`. `/v1/logs` is added where it does not end with it.',
    ),
    ...posting,
  })
  .transform(({ otlp: url, ...target }) => ({ kind: 'otlp' as const, url: toSignalUrl(url, '/v1/logs'), ...target }));

/** The place that lines go to, without anything about the lines. */
export const targetSchema = forms(
  '`stdout`, or a map with `file`, `http`, `otlp`, `syslog` or `kafka`',
  [
    { isMeant: (value) => typeof value === 'string', schema: z.literal('stdout').transform(() => ({ kind: 'stdout' as const })) },
    { isMeant: (value) => hasKey(value, 'file'), schema: fileTargetSchema },
    { isMeant: (value) => hasKey(value, 'http'), schema: http },
    { isMeant: (value) => hasKey(value, 'otlp'), schema: otlp },
    { isMeant: (value) => hasKey(value, 'syslog'), schema: syslogTargetSchema },
    { isMeant: (value) => hasKey(value, 'kafka'), schema: kafkaTargetSchema },
  ],
  findTargetProblem,
);

export type LogTarget = z.output<typeof targetSchema>;
export type FileTarget = Extract<LogTarget, { kind: 'file' }>;
export type RotateSettings = NonNullable<FileTarget['rotate']>;
export type PostTarget = Extract<LogTarget, { kind: 'http' | 'otlp' }>;
/** Lines for these are given to the control thread. */
export type RemoteTarget = PostTarget | SyslogTarget | KafkaTarget;

/** OTLP/HTTP: each signal has a path below the address of the collector. */
export function toSignalUrl(url: string, path: string): string {
  const bare = url.endsWith('/') ? url.slice(0, -1) : url;
  return bare.endsWith(path) ? bare : bare + path;
}

export function hasKey(value: unknown, key: string): boolean {
  return isMap(value) && Object.hasOwn(value, key);
}

function findTargetProblem(value: unknown): FormProblem | undefined {
  if (!isMap(value)) return undefined;
  const [first, second] = targetKinds.filter((kind) => Object.hasOwn(value, kind));
  if (second !== undefined)
    return { code: 'conflict', message: `\`${first}\` and \`${second}\` are two places; write \`to\` as a list`, path: [second] };
  if (first !== undefined) return undefined;
  const [key] = Object.keys(value);
  const message =
    key === undefined
      ? 'there is no `file`, `http`, `otlp`, `syslog` or `kafka`'
      : `${quote(key)} is no place that lines go to; write \`file\`, \`http\`, \`otlp\`, \`syslog\` or \`kafka\``;
  return { code: 'wrong-type', message, path: [] };
}
