import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { mapping } from '#schema/mapping.ts';
import type { MappingRoots, MappingText } from '#schema/mapping-node.ts';
import { answerRoot, requestRoots } from '#schema/mapping-reference.ts';
import { mappingText } from '#schema/mapping-text.ts';
import { statusPattern } from '#schema/status-kind.ts';
import { byNarrowness, readStatusPattern, type StatusPattern } from '#schema/status-pattern.ts';
import { cookieName } from '#schema/token.ts';

const BODY_BYTES_MAX = '16MiB';

/** A value to write under a name. */
export interface NamedText {
  readonly name: string;
  readonly value: MappingText;
}

const parameterName = z.string().min(1).max(256);

function namedTexts(name: z.ZodType<string, string>, help: string) {
  return z
    .record(name, mappingText({ help, roots: requestRoots, examples: ['${path.id}'] }))
    .transform((values): NamedText[] => Object.entries(values).map(([key, value]) => ({ name: key, value })));
}

/** A name that changes to itself, or two that become one, would say that somebody meant something else. */
function renames(name: z.ZodType<string, string>) {
  return z.record(name, name);
}

const PARAMETER_HELP = 'The value of the parameter; it may hold references, those to the JSON body of the request included.';

const queryChanges = z
  .strictObject({
    rename: renames(parameterName).optional().describe('New names by old ones.'),
    remove: z.array(parameterName).optional().describe('Names of parameters to take away.'),
    set: namedTexts(parameterName, PARAMETER_HELP)
      .optional()
      .describe('Parameters to write; they replace those of the same name.'),
    add: namedTexts(parameterName, PARAMETER_HELP).optional().describe('Parameters to write beside those of the same name.'),
  })
  .superRefine(refuseNothing);

const requestCookies = z
  .strictObject({
    rename: renames(cookieName()).optional().describe('New names by old ones.'),
    remove: z.array(cookieName()).optional().describe('Names of cookies that the service does not see.'),
    set: namedTexts(cookieName(), 'The value of the cookie; it may hold references.')
      .optional()
      .describe('Cookies to write; they replace those of the same name.'),
  })
  .superRefine(refuseNothing);

const domainTarget = forms('a domain, or `false` to leave the attribute out', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  { isMeant: isText, schema: z.string().regex(/^\.?[A-Za-z0-9.-]+$/, { error: 'expected a domain such as `shop.example.com`' }) },
]);
const cookiePath = z.string().regex(/^\/[^;\x00-\x20\x7f]*$/, { error: 'expected a path such as `/api`' });

const responseCookies = z
  .strictObject({
    names: z.array(cookieName()).min(1).optional().describe('Only these cookies. Without it, all that the service sets.'),
    remove: z.array(cookieName()).optional().describe('Names of cookies that the client does not get.'),
    domain: z
      .record(z.string().min(1), domainTarget)
      .optional()
      .describe('By the `Domain` that the service writes, `*` for any: the one that the client sees, or `false` for none.'),
    path: z
      .record(cookiePath, cookiePath)
      .optional()
      .describe('By the beginning of the `Path` that the service writes: what stands in its place. The longest counts.'),
    secure: z.boolean().optional().describe('Whether cookies are `Secure`.'),
    httpOnly: z.boolean().optional().describe('Whether cookies are `HttpOnly`.'),
    sameSite: z.enum(['strict', 'lax', 'none']).optional().describe('The `SameSite` of cookies.'),
  })
  .superRefine((changes, context) => {
    if (changes.sameSite === 'none' && changes.secure === false)
      context.addIssue({
        code: 'custom',
        message: 'browsers take no cookie with `SameSite=None` that is not `Secure`',
        path: ['secure'],
      });
    const { names: _, ...rest } = changes;
    refuseNothing(rest, context);
  });

const urlPrefix = z
  .string()
  .regex(/^(?:https?:\/\/[^/?#\s]+)?(?:\/[^?#\s]*)?$/, {
    error: 'expected the beginning of an address, such as `http://orders.internal/v1` or `/v1`',
  })
  .min(1);

const location = forms('`true`, or a map with `replace`', [
  { isMeant: (value) => value === true, schema: z.literal(true).transform(() => ({ replace: {} })) },
  {
    isMeant: isMap,
    schema: z.strictObject({
      replace: z
        .record(urlPrefix, urlPrefix)
        .describe(
          'By the beginning of an address that the service writes: what stands in its place. The longest counts. These go first.',
        ),
    }),
  },
]);

const bodyFormat = z.enum(['json', 'form', 'xml']);

export type BodyFormat = z.output<typeof bodyFormat>;

function bodyShape(roots: MappingRoots, body: string) {
  return {
    from: oneOrList(bodyFormat)
      .prefault('json')
      .describe(
        'Which bodies are changed, by their type: `json` (and `…+json`), `form` (`x-www-form-urlencoded`), `xml` (and `…+xml`).',
      ),
    to: bodyFormat.optional().describe('What the body becomes. Without it, it stays what it is.'),
    map: mapping({
      help: `The new body: a mapping of \`\${${body}…}\` and other references. A body in another format is what it would be as JSON.`,
      roots,
    }).optional(),
    otherTypes: z
      .enum(['pass', 'refuse'])
      .default('pass')
      .describe('What becomes of bodies of other types: `pass` as they are, or `refuse`.'),
    maxBytes: bytes({ max: BODY_BYTES_MAX }).prefault('1MiB').describe('Most bytes of a body that is changed, before and after.'),
  };
}

const requestBody = z.strictObject(bodyShape(requestRoots, 'body')).superRefine(refuseSame);

const responseBody = z
  .strictObject({
    ...bodyShape({ ...requestRoots, answer: answerRoot }, 'answer.body'),
    statuses: z.array(statusPattern()).min(1).prefault(['2xx']).describe('Statuses of answers whose bodies are changed.'),
  })
  .superRefine(refuseSame);

const statusChanges = z
  .record(z.string(), z.int().min(200).max(599))
  .superRefine((changes, context) => {
    for (const [from, to] of Object.entries(changes)) {
      const reading = readStatusPattern(from);
      const problem = 'problem' in reading ? reading.problem : findStatusProblem(reading.value, to);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: [from] });
    }
  })
  .transform((changes) =>
    Object.entries(changes)
      .flatMap(toStatusChange)
      .toSorted((left, right) => byNarrowness(left.from, right.from)),
  );

export interface StatusChange {
  readonly from: StatusPattern;
  readonly to: number;
}

const request = z
  .strictObject({
    query: queryChanges.optional().describe('Changes to the query that the service sees.'),
    cookies: requestCookies.optional().describe('Changes to the cookies that the service sees.'),
    body: requestBody.optional().describe('Changes to the body that the service sees.'),
  })
  .superRefine(refuseNothing);

const response = z
  .strictObject({
    status: statusChanges
      .optional()
      .describe('New statuses by those of the service: one such as `404`, or a class such as `5xx`.'),
    location: location
      .optional()
      .describe(
        'Turns addresses of the service in `location`, `content-location`, `refresh` and `link` into those that clients know: `true`, or a map with more of them.',
      ),
    cookies: responseCookies.optional().describe('Changes to cookies that the service sets.'),
    body: responseBody.optional().describe('Changes to the body that the client gets.'),
  })
  .superRefine(refuseNothing);

export const transformConfig = z
  .strictObject({
    request: request.optional().describe('Changes to what the service receives.'),
    response: response.optional().describe('Changes to answers of the service.'),
  })
  .superRefine(refuseNothing);

export type TransformConfig = z.output<typeof transformConfig>;
export type RequestChanges = z.output<typeof request>;
export type ResponseChanges = z.output<typeof response>;
export type QueryChanges = z.output<typeof queryChanges>;
export type RequestCookieChanges = z.output<typeof requestCookies>;
export type ResponseCookieChanges = z.output<typeof responseCookies>;
export type BodyChange = z.output<typeof requestBody>;

function refuseNothing(changes: object, context: z.RefinementCtx): void {
  if (Object.values(changes).some((change) => change !== undefined)) return;
  context.addIssue({ code: 'custom', message: 'nothing is changed' });
}

function refuseSame({ from, to, map }: z.output<z.ZodObject<ReturnType<typeof bodyShape>>>, context: z.RefinementCtx): void {
  if (map === undefined && (to === undefined || from.every((format) => format === to)))
    context.addIssue({ code: 'custom', message: 'the body is not changed; give `map`, or `to` with another format' });
}

function findStatusProblem({ first, last }: StatusPattern, to: number): string | undefined {
  if (first < 200 || first === 304) return `${first} is no status of an answer that could have another one`;
  if (first <= to && to <= last && first === last) return `${to} stays ${to}`;
  if (to === 204 || to === 205 || to === 304) return `an answer with ${to} has no body; the one of the service may have one`;
  return undefined;
}

function toStatusChange([from, to]: [string, number]): StatusChange[] {
  const reading = readStatusPattern(from);
  return 'problem' in reading ? [] : [{ from: reading.value, to }];
}
