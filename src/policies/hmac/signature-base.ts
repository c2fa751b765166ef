/** What is signed of a request (RFC 9421 §2.5), and whether it is enough. */
import type { ClientRequest } from '#http/exchange.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import type { ShownSignature } from './shown-signature.ts';

const DEFAULT_PORTS = { http: ':80', https: ':443' } as const;

/** `undefined`: it covers something that the request does not have, or that is not known here. */
export function toSignatureBase(request: ClientRequest, { components, parametersText }: ShownSignature): string | undefined {
  let base = '';
  for (const component of components) {
    const value = readComponent(request, component);
    if (value === undefined) return undefined;
    base += `"${component}": ${value}\n`;
  }
  return `${base}"@signature-params": ${parametersText}`;
}

/** The first part that is not covered and has to be. */
export function findUncovered(components: readonly string[], wanted: readonly string[]): string | undefined {
  return wanted.find((component) => !components.includes(component) && !isImplied(component, components));
}

function isImplied(component: string, components: readonly string[]): boolean {
  switch (component) {
    case '@authority':
    case '@scheme':
      return components.includes('@target-uri');
    case '@path':
    case '@query':
    case '@request-target':
      return components.includes('@target-uri') || components.includes('@request-target');
    default:
      return false;
  }
}

function readComponent(request: ClientRequest, component: string): string | undefined {
  if (component.charCodeAt(0) !== 0x40) return readField(request, component);
  const { method, scheme, path, query, target } = request;
  switch (component) {
    case '@method':
      return method;
    case '@authority':
      return toAuthority(request);
    case '@scheme':
      return scheme;
    case '@target-uri':
      return `${scheme}://${toAuthority(request)}${target}`;
    case '@request-target':
      return target;
    case '@path':
      return path;
    case '@query':
      // RFC 9421 §2.2.7: the question mark stands there without a query too.
      return `?${query}`;
    default:
      return undefined;
  }
}

/** RFC 9421 §2.2.3: lower case, without the usual port. */
function toAuthority({ authority, scheme }: ClientRequest): string {
  const lower = authority.toLowerCase();
  const port = DEFAULT_PORTS[scheme];
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

/** RFC 9421 §2.1: the lines of a field in one. */
function readField({ fields, contentLengthBytes }: ClientRequest, name: string): string | undefined {
  // Framing is kept apart from other fields.
  if (name === 'content-length') return contentLengthBytes < 0 ? undefined : String(contentLengthBytes);
  const values = getFieldValues(fields, name);
  return values.length === 0 ? undefined : values.map((value) => value.trim()).join(', ');
}
