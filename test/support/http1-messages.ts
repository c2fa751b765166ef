/** Random HTTP/1 messages for fuzzers: well-formed ones of every framing, and the same with small injuries. */
import fc from 'fast-check';
import { toBytes } from './http1-reading.ts';

const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'QUERY', 'PATCH', 'CONNECT', 'get', 'X-Y');
const targets = fc.constantFrom(
  '/',
  '/a/b?c=d&e',
  '/%20/..//;x',
  '*',
  'http://a/b',
  'a:443',
  '/?"<>\\^`{|}',
  'a',
  '/'.repeat(40),
);
const versions = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 2, arbitrary: fc.constant('HTTP/1.0') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'http/1.1') },
);

const fieldNames = fc.constantFrom(
  ...['accept', 'X-A', 'x-hop', 'Cookie', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Expect', 'Proxy-Connection'],
  ...['Host', 'Content-Length', 'Transfer-Encoding', 'X-Forwarded-For', 'Via', 'Date', 'Content-Type', 'X_B', '__proto__', '!#$'],
);
const plainValue = fc
  .array(fc.constantFrom('a', 'b;q=1', ' ', '\t', ',', '"', '\xff', '\x80', '0', ':'), { maxLength: 6 })
  .map((parts) => parts.join(''));
const fieldValues = fc.oneof(
  { weight: 4, arbitrary: plainValue },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        'close',
        'keep-alive',
        'Keep-Alive, x-hop',
        'upgrade',
        'x-a, close',
        'trailers',
        'chunked',
        'gzip, chunked',
        'identity',
      ],
      ...['0', '3', '03', '+3', '3, 3', '100-continue', 'websocket', 'x-forwarded-for'],
    ),
  },
);
const blanks = fc.constantFrom('', ' ', ' ', ' ', '\t', '  ');
const fieldLine = fc.tuple(fieldNames, blanks, fieldValues, blanks).map(([name, before, value, after]) => {
  return `${name}:${before}${value}${after}\r\n`;
});
/** Lines that cannot touch the framing, so that a good part of the messages stays valid. */
const harmlessLine = fc
  .tuple(fc.constantFrom('Accept', 'X-A', 'x-a', 'Cookie', 'X-Hop', 'Via', 'grpc-status'), blanks, plainValue)
  .map(([name, before, value]) => `${name}:${before}${value}\r\n`);
const fieldLines = fc.oneof(
  { weight: 4, arbitrary: fc.array(harmlessLine, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(fieldLine, { maxLength: 4 }) },
);

const bodies = fc
  .array(fc.constantFrom('a', 'bcd', '\r\n', '0\r\n\r\n', 'GET / HTTP/1.1\r\n', '\0', '\xff', 'x'.repeat(30)), { maxLength: 4 })
  .map((parts) => parts.join(''));
const extensions = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.constantFrom(';a', ';a=b', ';a="b;\\"c"', ';a;b="";c=d') },
  { weight: 1, arbitrary: fc.constantFrom(';', '; a', ' ;a', ';a=', ';a="b', ' ', ';a="b" ', ';a = b') },
);
const chunkSizes = fc.constantFrom(
  (size: number) => size.toString(16),
  (size: number) => size.toString(16).toUpperCase(),
  (size: number) => `000${size.toString(16)}`,
);
const chunk = fc.tuple(bodies, extensions, chunkSizes).map(([data, extension, toSize]) => {
  return data === '' ? '' : `${toSize(data.length)}${extension}\r\n${data}\r\n`;
});
const chunkedBody = fc
  .tuple(fc.array(chunk, { maxLength: 3 }), extensions, fieldLines)
  .map(([chunks, extension, trailers]) => `${chunks.join('')}0${extension}\r\n${trailers.join('')}\r\n`);

/** The framing line and the body. */
const framings = fc.oneof(
  fc.constant({ line: '', body: '' }),
  bodies.map((body) => ({ line: `Content-Length: ${body.length}\r\n`, body })),
  chunkedBody.map((body) => ({ line: 'Transfer-Encoding: chunked\r\n', body })),
);

const hostLines = fc.oneof(
  { weight: 9, arbitrary: fc.constant('Host: a\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('', 'host:\r\n', 'HOST: [::1]:80\r\n') },
);

const request = fc
  .tuple(methods, targets, versions, hostLines, fieldLines, framings)
  .map(([method, target, version, host, fields, { line, body }]) => {
    return `${method} ${target} ${version}\r\n${host}${fields.join('')}${line}\r\n${body}`;
  });

const statuses = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('200 OK', '404 Not Found', '503', '299 ') },
  { weight: 2, arbitrary: fc.constantFrom('204 No Content', '304 Not Modified', '205 Reset', '206 \xe9') },
  { weight: 1, arbitrary: fc.constantFrom('99 X', '600 X', '2000 X', '20', 'abc') },
);
const informational = fc.constantFrom('', '', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n');
const response = fc
  .tuple(informational, versions, statuses, fieldLines, framings)
  .map(([before, version, status, fields, { line, body }]) => {
    return `${before}${version} ${status}\r\n${fields.join('')}${line}\r\n${body}`;
  });

/** A change to a text; the numbers are taken modulo what there is. */
type Injury = (text: string) => string;

const insertions = fc.constantFrom(
  ...[
    '\r',
    '\n',
    '\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '"',
    '\\',
    '=',
    '0',
    'f',
    '-',
    '+',
    '\x0b',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    '#',
  ],
  ...[
    'chunked',
    'Content-Length: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\r\n ',
    'x:\r\n',
    '\r\n\r\n',
    'HTTP/1.1',
    '0\r\n\r\n',
  ],
);
const place = fc.nat(100_000);

const injury: fc.Arbitrary<Injury> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(place, insertions).map(([at, what]) => insert(at, what)) },
  { weight: 2, arbitrary: fc.tuple(place, fc.nat(7)).map(([at, bit]) => flipBit(at, bit)) },
  { weight: 1, arbitrary: fc.tuple(place, fc.nat(6)).map(([at, count]) => remove(at, count + 1)) },
  { weight: 1, arbitrary: fc.tuple(place, place).map(([from, to]) => copyLine(from, to)) },
  { weight: 1, arbitrary: place.map((at) => (text: string) => text.slice(0, at % (text.length + 1))) },
  { weight: 1, arbitrary: place.map((at) => changeLineEnd(at)) },
);

function insert(at: number, what: string): Injury {
  return (text) => {
    const position = at % (text.length + 1);
    return text.slice(0, position) + what + text.slice(position);
  };
}

function flipBit(at: number, bit: number): Injury {
  return (text) => {
    const position = at % Math.max(text.length, 1);
    const code = text.charCodeAt(position);
    return Number.isNaN(code)
      ? text
      : text.slice(0, position) + String.fromCharCode(code ^ (1 << bit)) + text.slice(position + 1);
  };
}

function remove(at: number, count: number): Injury {
  return (text) => {
    const position = at % Math.max(text.length, 1);
    return text.slice(0, position) + text.slice(position + count);
  };
}

function copyLine(from: number, to: number): Injury {
  return (text) => {
    const lines = text.split('\r\n');
    return lines.toSpliced(to % lines.length, 0, lines[from % lines.length]!).join('\r\n');
  };
}

function changeLineEnd(at: number): Injury {
  return (text) => {
    const lines = text.split('\r\n');
    const index = at % lines.length;
    return lines.map((line, each) => (each === lines.length - 1 ? line : line + (each === index ? '\n' : '\r\n'))).join('');
  };
}

function injured(texts: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  const injuries = fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(injury, { maxLength: 3 }) },
  );
  return fc.tuple(texts, injuries).map(([text, changes]) => toBytes(changes.reduce((changed, change) => change(changed), text)));
}

/** The bytes of a client connection: some requests in a row, or one of the given texts, mostly with injuries. */
export function arbitraryRequests(texts: readonly string[]): fc.Arbitrary<Buffer> {
  const several = fc.array(request, { minLength: 1, maxLength: 3 }).map((requests) => requests.join(''));
  return injured(fc.oneof({ weight: 3, arbitrary: several }, { weight: 1, arbitrary: fc.constantFrom(...texts) }));
}

/** The bytes of an upstream connection. */
export function arbitraryResponses(texts: readonly string[]): fc.Arbitrary<Buffer> {
  return injured(fc.oneof({ weight: 3, arbitrary: response }, { weight: 1, arbitrary: fc.constantFrom(...texts) }));
}

/** Where to split: few places in long messages, so that pieces of every length occur. */
export const arbitrarySplit: fc.Arbitrary<number[]> = fc.array(fc.nat(600), { maxLength: 8 });
