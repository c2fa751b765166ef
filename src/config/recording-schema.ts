/** What of the traffic is recorded, and how. Also read by the admin API, for recordings that an operator asks for. */
import { z } from 'zod';
import { parsePointerPattern } from '#http/answer-diff/pointer-pattern.ts';
import { bytes } from '#schema/bytes.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { percentage } from '#schema/percentage.ts';
import { secret } from '#schema/secret.ts';
import { readStatusPattern } from '#schema/status-pattern.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';

const NAMES_MAX = 100;
const FILES_MAX = 100;
/** As long as what `openssl rand -hex 16` makes. */
const KEY_LENGTH_MIN = 32;

/** A JSON pointer in which `*` stands for any one member or item. */
function pointerPattern(): z.ZodType<readonly string[], string> {
  return textKind({
    noun: 'a JSON pointer',
    examples: ['/password', '/items/*/updatedAt'],
    help: 'A JSON pointer in which `*` stands for any one member or item.',
    read(text): Reading<readonly string[]> {
      const parsed = parsePointerPattern(text);
      return typeof parsed === 'string' ? { problem: parsed } : { value: parsed };
    },
  });
}

function statusPattern() {
  return textKind({
    noun: 'a status',
    examples: ['404', '5xx'],
    help: 'A status such as `404`, or a class such as `5xx`.',
    read: readStatusPattern,
  });
}

const lowerCaseName = z.string().min(1).max(256).toLowerCase();
const names = z.array(lowerCaseName).max(NAMES_MAX);

const match = z.strictObject({
  methods: z.array(z.string().min(1).toUpperCase()).min(1).max(NAMES_MAX).optional().describe('Methods, such as `GET`.'),
  hosts: names.min(1).optional().describe('Host names; `*.example.com` stands for all names below it.'),
  paths: z
    .array(z.string().startsWith('/', { error: 'a path begins with `/`' }))
    .min(1)
    .max(NAMES_MAX)
    .optional()
    .describe('Whole paths, or beginnings of paths with `*` behind them.'),
  statuses: z.array(statusPattern()).min(1).max(NAMES_MAX).optional().describe('Statuses of answers, such as `404` or `5xx`.'),
});

const bodies = forms('how much is kept of bodies, or `false`', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  {
    isMeant: isMap,
    schema: z.strictObject({
      request: bytes({ max: '1MiB' }).prefault('16KiB').describe('How much is kept of the body of a request.'),
      response: bytes({ max: '1MiB' }).prefault('16KiB').describe('How much is kept of the body of an answer.'),
    }),
  },
]);

const redact = z.strictObject({
  headers: names.prefault([]).describe('Further fields whose values are replaced.'),
  query: names.prefault([]).describe('Further parameters of queries and forms, and members of JSON, whose values are replaced.'),
  json: z
    .array(pointerPattern())
    .max(NAMES_MAX)
    .prefault([])
    .describe('Places in bodies of JSON that are replaced, such as `/items/*/iban`.'),
  key: secret()
    .refine((key) => key.reveal().length >= KEY_LENGTH_MIN, {
      error: `the key is too short; at least ${KEY_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` makes`,
    })
    .optional()
    .describe(
      'The key of the digests that stand in the place of what is replaced. Without it, one that is made at the start: digests of different runs then say nothing about each other.',
    ),
});

/** What is the same for all recordings. */
const recordingSelection = {
  sample: percentage().prefault('1%').describe('How many of the requests are recorded.'),
  routes: z
    .array(entryName())
    .min(1)
    .max(NAMES_MAX)
    .optional()
    .describe('Names of routes. Without them all, and requests that no route takes.'),
  match: match.prefault({}).describe('Which requests of these. Everything that is given must be so.'),
  bodies: bodies.prefault({}).describe('How much is kept of bodies, or `false` for nothing.'),
  redact: redact.prefault({}).describe('What is replaced besides credentials, which always are.'),
  client: z
    .enum(['full', 'network', 'hidden'])
    .default('full')
    .describe('How much is told of the address of the client: all, its network (/24 or /48), or nothing.'),
};

export const recordingSchema = z.strictObject({
  to: z
    .strictObject({
      file: filePath('The file that lines are appended to. Relative to the configuration file.'),
      maxBytes: bytes({ min: '64KiB' }).prefault('64MiB').describe('How long a file may become before another one is begun.'),
      keep: z.int().min(1).max(FILES_MAX).default(3).describe('How many files are kept, the present one included.'),
    })
    .describe('Where it goes.'),
  ...recordingSelection,
});

/** As an operator asks for it. */
export const askedRecordingSchema = z.strictObject(recordingSelection);
export type AskedRecording = z.output<typeof askedRecordingSchema>;
