/** Writing HTTP/1.1: heads as latin1 text, chunk frames. Only checked or our own text comes in, so nothing is escaped. */

const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  208: 'Already Reported',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  418: "I'm a Teapot",
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  506: 'Variant Also Negotiates',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
};

const statusLines: string[] = [];
for (let status = 100; status < 600; status++) statusLines[status] = `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n`;

/** The words that stand behind a status by convention; empty for a status without such words. */
export function reasonOf(status: number): string {
  return reasons[status] ?? '';
}

export function encodeStatusLine(status: number): string {
  return statusLines[status]!;
}

export function encodeFields(fields: readonly string[]): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}

export const LAST_CHUNK = '0\r\n\r\n';

/** The end of a chunked body (RFC 9112 §7.1.2). */
export function encodeLastChunk(trailers: readonly string[] | undefined): string {
  return trailers === undefined || trailers.length === 0 ? LAST_CHUNK : `0\r\n${encodeFields(trailers)}\r\n`;
}

export function encodeChunkSize(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}
