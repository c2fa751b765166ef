/** An answer that is made of the answers of several services, as it is written: `aggregate`. */
import { z } from 'zod';
import type { CallCondition } from '#aggregate/aggregate-definition.ts';
import { limits } from '#base/limits.ts';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { mapping } from '#schema/mapping.ts';
import type { MappingRoots } from '#schema/mapping-node.ts';
import { answerRoot, requestRoots } from '#schema/mapping-reference.ts';
import { mappingText } from '#schema/mapping-text.ts';
import { fieldMap } from '#schema/maps.ts';
import { entryName } from '#schema/name.ts';
import { quote } from '#schema/quote.ts';
import { statusRange } from '#schema/status-range.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { freeFieldName, httpMethod } from '#schema/token.ts';
import { routeRetry } from './retry-schema.ts';

const CALL_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const NAME_LENGTH_MAX = 64;
const PARAMETER = /^[A-Za-z0-9\-._~[\]$:]+$/;
const FUNCTION_FILE = /^(.+\.[cm]?[jt]s)#([A-Za-z_$][\w$]*)$/;

/** RFC 9110 §6.4.1. */
const BODILESS_STATUSES = new Set([204, 205, 304]);

const callRoots: MappingRoots = { ...requestRoots, calls: { kind: 'named', of: answerRoot } };
/** Inside of a call that is made for each item of a list. */
const itemRoots: MappingRoots = { ...callRoots, item: { kind: 'json' } };

const callName = textKind({
  noun: 'the name of a call',
  examples: ['user'],
  pattern: CALL_NAME,
  help: 'A name of your choice, by which `${calls.NAME…}` refers to the call.',
  read: (text): Reading<string> =>
    CALL_NAME.test(text) && text.length <= NAME_LENGTH_MAX
      ? { value: text }
      : { problem: `${quote(text)} is not a name for a call; write letters, digits, \`_\` and \`-\`, beginning with a letter` },
});

const parameterName = textKind({
  noun: 'the name of a parameter',
  examples: ['limit'],
  pattern: PARAMETER,
  help: 'The name of a query parameter.',
  read: (text): Reading<string> =>
    PARAMETER.test(text)
      ? { value: text }
      : { problem: `${quote(text)}: letters, digits and \`-._~[]$:\` stand in the name of a parameter` },
});

const path = mappingText({
  help: 'The path that is asked for. A value that is missing in it keeps the call from being made.',
  roots: itemRoots,
  findProblem: (text) => {
    if (!text.startsWith('/')) return `${quote(text)} must begin with \`/\``;
    return /[?#]/.test(text) ? `${quote(text)}: a path has no query or fragment; use \`query\` beside \`path\`` : undefined;
  },
});

const fieldValue = (help: string) =>
  mappingText({
    help,
    roots: itemRoots,
    findProblem: (text) =>
      /[\x00-\x08\x0a-\x1f\x7f]/.test(text) ? 'the value of a header field is one line without control characters' : undefined,
  });

const eachMap = z.strictObject({
  list: mapping({ help: 'The list, such as `${calls.orders.body.items}`.', roots: callRoots }),
  max: z.int().min(1).max(limits.aggregateItemsMax).default(20).describe('For how many items the call is made at the most.'),
  atOnce: z.int().min(1).max(limits.aggregateItemsAtOnceMax).default(5).describe('How many of these calls run at the same time.'),
  beyond: z
    .enum(['fail', 'cut'])
    .default('fail')
    .describe(
      'What becomes of a list with more than `max` items: the call fails, or it is made for the first ones and the answer is partial.',
    ),
});

const each = forms('a reference to a list such as `${calls.orders.body.items}`, or a map with `list`', [
  {
    isMeant: isText,
    schema: mapping({ help: 'The list.', roots: callRoots }).transform(
      (list): z.output<typeof eachMap> => ({ list, max: 20, atOnce: 5, beyond: 'fail' }),
    ),
  },
  { isMeant: isMap, schema: eachMap },
]);

/** With these a service would answer with a part, with nothing, or with what cannot be read. */
const UNFIT_FIELDS = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

const forwardedField = freeFieldName().refine((name) => !UNFIT_FIELDS.has(name), {
  error: ({ input }) => `\`${String(input)}\` is about the answer that the client gets, which no single service gives`,
});

const optionalMap = z.strictObject({
  value: z.custom<unknown>().optional().describe('A fixed body that stands in for the answer.'),
  lastGood: duration({ min: '1s', max: '7d' })
    .optional()
    .describe('How old the last good answer to the same request may be that stands in. It comes before `value`.'),
});

const optional = forms('`true`, or a map with `value` or `lastGood`', [
  {
    isMeant: (value) => typeof value === 'boolean',
    schema: z.boolean().transform((is): z.output<typeof optionalMap> | undefined => (is ? {} : undefined)),
  },
  { isMeant: isMap, schema: optionalMap },
]);

const conditional = mapping({ help: 'A condition.', roots: callRoots });

/** A condition of mappings stands inside of one; here it is written by itself. */
const condition = z.custom<unknown>().transform((value, context): CallCondition => {
  const result = conditional.safeParse({ $if: { when: value, do: true, else: false } });
  if (result.success) return { kind: 'mapping', node: result.data };
  for (const { path: at, message } of result.error.issues)
    context.issues.push({ code: 'custom', path: at.slice(2), message, input: value });
  return z.NEVER;
});

const when = forms('an expression, or a condition such as `{ exists: "${calls.user.body.id}" }`', [
  {
    isMeant: isText,
    schema: z
      .string()
      .min(1)
      .transform((text): CallCondition => ({ kind: 'expression', text })),
  },
  { isMeant: isMap, schema: condition },
]);

const call = z
  .strictObject({
    service: entryName().describe('The name of the service that is called.'),
    method: httpMethod().optional().describe('The method. Without it, `GET`, or `POST` where there is a `body`.'),
    path,
    query: z
      .record(parameterName, mappingText({ help: 'The value of the parameter.', roots: itemRoots }))
      .optional()
      .describe('Parameters of the query. One whose value is empty is left out.'),
    headers: fieldMap(freeFieldName(), fieldValue('The value of the field.'))
      .optional()
      .describe('Header fields that are sent. One whose value is empty is left out.'),
    forward: z
      .array(forwardedField)
      .optional()
      .describe('Header fields of the request that go along as they came. Without it, those of the aggregate.'),
    body: mapping({ help: 'The body that is sent, as JSON.', roots: itemRoots }).optional(),
    when: when
      .optional()
      .describe(
        'The call is made only where this holds: an expression in CEL about the request, or a condition of mappings about other answers.',
      ),
    after: z.array(callName).optional().describe('Calls that must have ended before, besides those that it refers to.'),
    each: each
      .optional()
      .describe(
        'The call is made once for each item of a list of another answer, as `${item}`; its body is the list of their bodies.',
      ),
    timeout: duration({ min: '10ms', max: '10m' }).prefault('5s').describe('How long the call may take, with all its attempts.'),
    retry: routeRetry.optional().describe('Further attempts. What is not set is as the service says; `false` makes none.'),
    cache: duration({ min: '100ms', max: '1d' })
      .optional()
      .describe('How long a good answer is used again for the same request, within one thread.'),
    optional: optional.optional().describe('The call may fail: the answer is then partial, and says so.'),
    expect: z
      .array(statusRange)
      .min(1)
      .prefault(['200-299'])
      .describe('Statuses of good answers, and ranges of them. With any other one the call has failed.'),
    pass: z
      .array(z.int().min(300).max(599))
      .optional()
      .describe('Statuses with which the client is answered as this service has answered, such as 404.'),
    answerMax: bytes({ min: '1B', max: '64MiB' }).prefault('1MiB').describe('Largest body of an answer.'),
  })
  .superRefine(({ pass = [], expect, each: loop }, context) => {
    for (const [index, status] of pass.entries()) {
      if (!expect.some(({ from, to }) => from <= status && status <= to)) continue;
      const message = `${status} is among the statuses that \`expect\` calls good, so it is never passed on`;
      context.addIssue({ code: 'custom', message, path: ['pass', index] });
    }
    if (pass.length > 0 && loop !== undefined)
      context.addIssue({
        code: 'custom',
        message: 'of the calls for each item none is passed on; leave `pass` out',
        path: ['pass'],
      });
  });

export type WrittenCall = z.output<typeof call>;

const functionFile = textKind({
  noun: 'a file and the name of a function in it',
  examples: ['./overview.ts#compose'],
  pattern: FUNCTION_FILE,
  help: 'A file, relative to the configuration, and the name of the function that it exports.',
  read(text): Reading<{ file: string; name: string }> {
    const [, file, name] = FUNCTION_FILE.exec(text) ?? [];
    if (file !== undefined && name !== undefined) return { value: { file, name } };
    return {
      problem: `${quote(text)} names no function; write a file and the name of what it exports, such as \`./overview.ts#compose\``,
    };
  },
});

export const writtenAggregate = z
  .strictObject({
    calls: z
      .record(callName, call)
      .describe('The calls, by their names. They run as soon as what they refer to is there, all others at the same time.'),
    answer: mapping({ help: 'The body of the answer, as JSON.', roots: callRoots }).optional(),
    compose: functionFile
      .optional()
      .describe(
        'A TypeScript function that makes the answer, in the place of `answer`: a file and a name, such as `./overview.ts#compose`.',
      ),
    status: z
      .int()
      .min(200)
      .max(599)
      .refine(
        (status) => !BODILESS_STATUSES.has(status),
        'an answer with this status has no body; leave it out, or give another one',
      )
      .default(200)
      .describe('The status of the answer.'),
    headers: fieldMap(freeFieldName(), mappingText({ help: 'The value of the field.', roots: callRoots }))
      .optional()
      .describe('Header fields of the answer. One whose value is empty is left out.'),
    forward: z
      .array(forwardedField)
      .default([])
      .describe(
        'Header fields of the request that all calls carry as they came, such as `authorization`. Trace context goes along in any case.',
      ),
    timeout: duration({ min: '10ms', max: '10m' }).prefault('15s').describe('How long all calls together may take.'),
    partialField: z
      .string()
      .min(1)
      .max(NAME_LENGTH_MAX)
      .optional()
      .describe('A member of the answer that lists the calls whose answers are missing, where some are.'),
    etag: z
      .boolean()
      .default(false)
      .describe('Whether answers get an `ETag` of their body, so that a client that has it already is answered with 304.'),
    requestMax: bytes({ max: '64MiB' })
      .prefault('1MiB')
      .describe('Largest body of a request, where something refers to `${body}`.'),
    answerMax: bytes({ min: '1B', max: '256MiB' }).prefault('8MiB').describe('Largest body of the answer.'),
    kept: bytes({ min: '1KiB', max: '4GiB' })
      .prefault('8MiB')
      .describe(
        'Room for answers that `cache` and `lastGood` keep, for each thread. The ones that were used longest ago make way.',
      ),
  })
  .superRefine(({ answer, compose }, context) => {
    if ((answer === undefined) === (compose === undefined))
      context.addIssue({ code: 'custom', message: 'give `answer` or `compose`: one of them makes the answer' });
  });

export type WrittenAggregate = z.output<typeof writtenAggregate>;
