/** The settings of policies that have a service decide. */
import { z } from 'zod';
import { bytes } from './bytes.ts';
import { duration } from './duration.ts';
import { enforcement } from './enforcement.ts';
import { entryName } from './name.ts';
import { type RequestPart, requestPart } from './request-part.ts';
import { freeFieldName } from './token.ts';

const FIELDS_MAX = 32;
const PARTS_MAX = 16;

/** The gateway says them itself, and a client's own are never sent. */
const SAID_BY_GATEWAY = new Set(['x-forwarded-method', 'x-forwarded-uri']);

const fields = () => z.array(freeFieldName()).max(FIELDS_MAX);

const cache = z.strictObject({
  ttl: duration({ min: '1s', max: '1h' }).describe(
    'How long a request that may pass is not asked about again. Whoever loses a right keeps it for so long.',
  ),
  by: z
    .array(requestPart())
    .min(1)
    .max(PARTS_MAX)
    .optional()
    .describe(
      'What an answer depends on: requests that are the same in all of these get the same answer. Without it, everything that is sent. Fields that are sent must be among them; leave out only what the service does not look at.',
    ),
});

/** `sent`: the fields that are sent unless others are written. */
export function decisionSettings(sent: readonly string[]) {
  return {
    service: entryName().describe('The name of the service that is asked.'),
    send: fields()
      .default([...sent])
      .describe('The request headers that the service is shown. A body is never sent.'),
    forward: fields()
      .default([])
      .describe(
        'Headers of the answer that the request takes along to its service. A client’s own headers of these names are always dropped.',
      ),
    timeout: duration({ min: '10ms', max: '1m' }).prefault('1s').describe('How long the whole answer may take.'),
    maxAnswer: bytes({ min: '1KiB', max: '1MiB' }).prefault('64KiB').describe('A longer answer counts as none.'),
    onFailure: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe('What becomes of requests while the service does not answer, or not as it should.'),
    cache: cache.optional().describe('Keeps answers that let requests pass. Without it, each request is asked about.'),
    mode: enforcement(),
  };
}

export interface DecisionInput {
  readonly send: readonly string[];
  readonly cache?: { readonly by?: readonly RequestPart[] | undefined } | undefined;
}

/** What a cache must not leave out, and what cannot be sent. */
export function refineDecision(
  context: z.core.$RefinementCtx,
  { send, cache }: DecisionInput,
  further: readonly RequestPart['kind'][],
): void {
  for (const [i, name] of send.entries()) {
    if (!SAID_BY_GATEWAY.has(name)) continue;
    const message = `the gateway says \`${name}\` itself`;
    context.addIssue({ code: 'custom', message, path: ['send', i] });
  }
  const by = cache?.by;
  if (by === undefined) return;
  const missing = [
    ...send.filter((name) => !by.some((part) => covers(part, name))).map((name) => `header.${name}`),
    ...further.filter((kind) => !by.some((part) => part.kind === kind)),
  ];
  if (missing.length === 0) return;
  const message = `the answer may depend on ${missing.map((part) => `\`${part}\``).join(', ')}, which is sent and not among these`;
  context.addIssue({ code: 'custom', message, path: ['cache', 'by'] });
}

function covers(part: RequestPart, field: string): boolean {
  return part.kind === 'cookie' ? field === 'cookie' : part.kind === 'header' && part.name === field;
}
