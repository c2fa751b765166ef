import type { Exchange } from '#http/exchange.ts';
import type { Template, TemplateVariable } from '#schema/template.ts';

/** Where the text goes, which decides how what a client sent is written into it. */
export type TemplatePlace =
  /** A path or query: values stay percent-encoded. */
  | 'uri'
  /** A field value: decoded, unless that would bring in bytes that no field may have. */
  | 'field'
  | 'text'
  /** The inside of a JSON string. */
  | 'json';

/** Fills in a template's variables for one exchange. A variable without a value is empty. */
export function renderTemplate(template: Template, exchange: Exchange, place: TemplatePlace): string {
  let text = '';
  for (const part of template.parts) text += typeof part === 'string' ? part : renderVariable(part, exchange, place);
  return text;
}

function renderVariable(variable: TemplateVariable, exchange: Exchange, place: TemplatePlace): string {
  const { value, isEncoded } = readVariable(variable, exchange);
  if (place === 'uri') return isEncoded ? value : encodeURIComponent(value).replaceAll('%3A', ':');
  const plain = isEncoded ? decodeWhole(value) : value;
  if (place === 'json') return JSON.stringify(plain).slice(1, -1);
  if (place === 'field') return /[^\t\x20-\x7e\x80-\xff]/.test(plain) ? value : plain;
  return plain;
}

function readVariable(variable: TemplateVariable, exchange: Exchange): { value: string; isEncoded: boolean } {
  const { request } = exchange;
  switch (variable.kind) {
    case 'capture':
      return encoded(exchange.captures[exchange.captureNames.indexOf(variable.name)] ?? '');
    case 'rest':
      return encoded(exchange.pathRest);
    case 'path':
      return encoded(request.path);
    case 'query':
      return encoded(request.query);
    case 'parameter':
      return encoded(findParameter(request.query, variable.name));
    case 'field':
      return plain(exchange.field(variable.name) ?? '');
    case 'host':
      return plain(request.host);
    case 'authority':
      return plain(request.authority);
    case 'scheme':
      return plain(request.scheme);
    case 'method':
      return plain(request.method);
    case 'clientIp':
      return plain(request.clientAddress);
    case 'requestId':
      return plain(exchange.requestId);
    default:
      return variable satisfies never;
  }
}

function encoded(value: string): { value: string; isEncoded: boolean } {
  return { value, isEncoded: true };
}

function plain(value: string): { value: string; isEncoded: boolean } {
  return { value, isEncoded: false };
}

function findParameter(query: string, name: string): string {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (decodeWhole(key.replaceAll('+', ' ')) === name) return equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', '%20');
  }
  return '';
}

/** Text whose encoding is not UTF-8 stays encoded. */
function decodeWhole(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // What cannot be decoded is passed on as it came.
    return text;
  }
}
