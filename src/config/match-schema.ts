/** When a route takes a request. The result is what the route table is compiled from. */
import { z } from 'zod';
import { cidr } from '#schema/cidr.ts';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { hostPattern } from '#schema/host-kinds.ts';
import { fieldMap } from '#schema/maps.ts';
import { entryName } from '#schema/name.ts';
import { type PathPattern, pathPattern } from '#schema/path-pattern.ts';
import { regex } from '#schema/regex.ts';
import { fieldName, httpMethod } from '#schema/token.ts';
import { valueCondition } from '#schema/value-condition.ts';

const pathMatch = forms('a path, or a map with `regex`', [
  { isMeant: isText, schema: pathPattern() },
  {
    isMeant: isMap,
    schema: z.strictObject({ regex: regex().describe('A regular expression that has to match the whole path.') }),
  },
]);

const namedConditions = z.record(z.string().min(1), valueCondition);

const grpc = z.strictObject({
  service: z
    .string()
    .regex(/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/, 'expected the name of a service with its package, such as `shop.v1.Orders`')
    .optional()
    .describe('The service, with its package: `shop.v1.Orders`. Without it, every service.'),
  method: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected the name of a method, such as `GetOrder`')
    .optional()
    .describe('The method: `GetOrder`. Without it, every method.'),
});

const match = z
  .strictObject({
    host: oneOrList(hostPattern())
      .optional()
      .describe('Host names, in lower case; `*.example.com` is every name below `example.com`.'),
    path: oneOrList(pathMatch)
      .optional()
      .describe('Paths: `/orders` exactly, `/orders/*` with everything below, `/orders/:id` with a capture, or `{ regex: … }`.'),
    method: oneOrList(httpMethod()).optional().describe('Request methods, in capitals.'),
    headers: fieldMap(fieldName(), valueCondition)
      .optional()
      .describe('Header fields: the exact value, `{ regex: … }` or `{ present: true }`. All must hold.'),
    grpc: grpc
      .optional()
      .describe('Calls of gRPC: by service, by method, by both, or all of them. Stands in place of `path` and `method`.'),
    query: namedConditions
      .optional()
      .describe('Query parameters: the exact value, `{ regex: … }` or `{ present: true }`. All must hold.'),
    cookies: namedConditions
      .optional()
      .describe('Cookies: the exact value, `{ regex: … }` or `{ present: true }`. All must hold.'),
    clientIp: oneOrList(cidr()).optional().describe('Addresses of the client: ranges in CIDR notation or single ones.'),
    listener: oneOrList(entryName()).optional().describe('Names of the listeners that the request may come through.'),
  })
  .superRefine(({ grpc: calls, path, method }, context) => {
    for (const [name, value] of Object.entries({ path, method })) {
      if (calls === undefined || value === undefined) continue;
      const message = `\`grpc\` says already which ${name} a request must have; leave one of them out`;
      context.addIssue({ code: 'custom', message, path: [name] });
    }
  })
  .transform(({ host, path, method, headers, grpc: calls, query, cookies, clientIp, listener }) => ({
    hosts: host?.map(({ source }) => source),
    paths: calls === undefined ? path : toCallPaths(calls),
    methods: calls === undefined ? method : ['POST'],
    headers: calls === undefined ? headers : { ...headers, 'content-type': { regex: 'application/grpc(?:[+;].*)?' } },
    query,
    cookies,
    clientIps: clientIp,
    listeners: listener,
  }));

/** A call is a POST to `/SERVICE/METHOD`. */
function toCallPaths({ service, method }: z.output<typeof grpc>): PathPattern[] | undefined {
  if (service === undefined && method === undefined) return undefined;
  const first = service === undefined ? { capture: 'service' } : { literal: service };
  if (method === undefined) return [{ source: `/${service}/*`, segments: [first], isPrefix: true }];
  return [{ source: `/${service ?? ':service'}/${method}`, segments: [first, { literal: method }], isPrefix: false }];
}

/** One match or a list of them; a request needs to satisfy one. The result is a list. */
export const matchesSchema = oneOrList(match);
