/** For each fault: bytes that have it, and the nearest bytes that are accepted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everySplit, readRequests, readResponse, toBytes } from '#test/support/http1-reading.ts';
import { type Fault, faults } from './faults.ts';

/** Small, so that each can be met from both sides by text that can be read. */
const smallLimits = { headBytesMax: 200, fieldCountMax: 3, targetBytesMax: 20, leadingEmptyLinesMax: 2 };

interface FaultCase {
  readonly fault: Fault;
  readonly refused: string;
  readonly accepted: string;
  readonly what?: string;
}

const get = (lines: string) => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, body: string) => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);
const ok = (lines: string, body = '') => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;

const requestCases: readonly FaultCase[] = [
  { fault: 'bareLineFeed', refused: 'GET / HTTP/1.1\nHost: a\r\n\r\n', accepted: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
  { fault: 'bareLineFeed', refused: get('X: 1\n'), accepted: get('X: 1\r\n'), what: 'behind a field' },
  { fault: 'bareLineFeed', refused: get('X\n'), accepted: get('X:\r\n'), what: 'behind a name' },
  { fault: 'bareLineFeed', refused: 'GET / HTTP/1.1\r\nHost: a\r\n\n', accepted: get(''), what: 'as the empty line' },
  {
    fault: 'bareLineFeed',
    refused: '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: `\r\n${get('')}`,
    what: 'before the request',
  },
  { fault: 'bareLineFeed', refused: 'GET /\nHost: a\r\n\r\n', accepted: get(''), what: 'behind the target' },
  { fault: 'bareLineFeed', refused: 'GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'behind the method' },
  {
    fault: 'bareLineFeed',
    refused: chunked('1\nx\r\n0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'behind a chunk size',
  },
  {
    fault: 'bareLineFeed',
    refused: chunked('1;a\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a\r\nx\r\n0\r\n\r\n'),
    what: 'behind an extension',
  },
  { fault: 'bareLineFeed', refused: chunked('0\r\n\n'), accepted: chunked('0\r\n\r\n'), what: 'as the end of a body' },
  {
    fault: 'bareLineFeed',
    refused: chunked('0\r\nX: 1\n\r\n'),
    accepted: chunked('0\r\nX: 1\r\n\r\n'),
    what: 'behind a trailer field',
  },
  { fault: 'bareCarriageReturn', refused: get('X: 1\rY: 2\r\n'), accepted: get('X: 1\r\nY: 2\r\n') },
  { fault: 'bareCarriageReturn', refused: get('X: 1\r\r\n'), accepted: get('X: 1\r\n'), what: 'before CRLF' },
  { fault: 'bareCarriageReturn', refused: get('X\r: 1\r\n'), accepted: get('X: 1\r\n'), what: 'in a name' },
  { fault: 'bareCarriageReturn', refused: 'GET / HTTP/1.1\rHost: a\r\n\r\n', accepted: get(''), what: 'behind the version' },
  { fault: 'bareCarriageReturn', refused: 'GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'in the target' },
  { fault: 'bareCarriageReturn', refused: `\r${get('')}`, accepted: `\r\n${get('')}`, what: 'before the request' },
  {
    fault: 'bareCarriageReturn',
    refused: 'GET / HTTP/1.1\r\nHost: a\r\n\rX: 1\r\n\r\n',
    accepted: get('X: 1\r\n'),
    what: 'as a line',
  },
  {
    fault: 'bareCarriageReturn',
    refused: chunked('1\rx\r\n0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'behind a chunk size',
  },
  { fault: 'bareCarriageReturn', refused: chunked('0\r\n\rX'), accepted: chunked('0\r\n\r\n'), what: 'as the end of a body' },
  { fault: 'tls', refused: '\x16\x03\x01\x02\0\x01', accepted: get('') },
  { fault: 'method', refused: 'G@T / HTTP/1.1\r\nHost: a\r\n\r\n', accepted: "G!#$%&'*+-.^_`|~9T / HTTP/1.1\r\nHost: a\r\n\r\n" },
  { fault: 'method', refused: ' / HTTP/1.1\r\nHost: a\r\n\r\n', accepted: 'X / HTTP/1.1\r\nHost: a\r\n\r\n', what: 'empty' },
  { fault: 'method', refused: 'G\0T / HTTP/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'with NUL' },
  { fault: 'target', refused: 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'behind two spaces' },
  {
    fault: 'target',
    refused: 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: 'GET /%23a HTTP/1.1\r\nHost: a\r\n\r\n',
    what: 'with a fragment',
  },
  {
    fault: 'target',
    refused: 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: 'GET /%E9 HTTP/1.1\r\nHost: a\r\n\r\n',
    what: 'with a high byte',
  },
  { fault: 'target', refused: 'GET /\t HTTP/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'with a tab' },
  {
    fault: 'target',
    refused: 'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: 'GET /~ HTTP/1.1\r\nHost: a\r\n\r\n',
    what: 'with DEL',
  },
  { fault: 'version', refused: 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', accepted: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    fault: 'version',
    refused: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    accepted: 'GET / HTTP/1.0\r\n\r\n',
    what: 'of an HTTP/2 preface',
  },
  {
    fault: 'version',
    refused: 'GET / HTTP/0.9\r\nHost: a\r\n\r\n',
    accepted: 'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
    what: 'below 1',
  },
  { fault: 'requestLine', refused: 'GET /\r\nHost: a\r\n\r\n', accepted: get(''), what: 'of HTTP/0.9' },
  { fault: 'requestLine', refused: 'GET / http/1.1\r\nHost: a\r\n\r\n', accepted: get(''), what: 'in lower case' },
  { fault: 'requestLine', refused: 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', accepted: get(''), what: 'with a space behind it' },
  { fault: 'requestLine', refused: 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', accepted: get(''), what: 'with a third digit' },
  {
    fault: 'requestLine',
    refused: 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: 'GET /ab HTTP/1.1\r\nHost: a\r\n\r\n',
    what: 'with four words',
  },
  { fault: 'requestLine', refused: 'GET\r\nHost: a\r\n\r\n', accepted: get(''), what: 'with one word' },
  { fault: 'requestLine', refused: `\r\n\r\n\r\n${get('')}`, accepted: `\r\n\r\n${get('')}`, what: 'missing behind empty lines' },
  { fault: 'fieldName', refused: get(': 1\r\n'), accepted: get('X: 1\r\n'), what: 'empty' },
  { fault: 'fieldName', refused: get('X@: 1\r\n'), accepted: get('X-: 1\r\n') },
  { fault: 'fieldName', refused: get('X\xe9: 1\r\n'), accepted: get('X: \xe9\r\n'), what: 'with a high byte' },
  { fault: 'fieldName', refused: get('X\0: 1\r\n'), accepted: get('X: 1\r\n'), what: 'with NUL' },
  { fault: 'spaceBeforeColon', refused: get('X : 1\r\n'), accepted: get('X: 1\r\n') },
  { fault: 'spaceBeforeColon', refused: get('X\t: 1\r\n'), accepted: get('X:\t1\r\n'), what: 'as a tab' },
  { fault: 'spaceBeforeColon', refused: get('X Y: 1\r\n'), accepted: get('X-Y: 1\r\n'), what: 'within the name' },
  { fault: 'foldedLine', refused: get('X: 1\r\n 2\r\n'), accepted: get('X: 1 2\r\n') },
  { fault: 'foldedLine', refused: get('X: 1\r\n\t2\r\n'), accepted: get('X: 1\t2\r\n'), what: 'with a tab' },
  { fault: 'foldedLine', refused: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', accepted: get(''), what: 'at the first field' },
  { fault: 'foldedLine', refused: get('X:\r\n \r\n'), accepted: get('X: \r\n'), what: 'and empty' },
  { fault: 'missingColon', refused: get('X\r\n'), accepted: get('X:\r\n') },
  { fault: 'fieldValue', refused: get('X: \0\r\n'), accepted: get('X: 0\r\n'), what: 'with NUL' },
  { fault: 'fieldValue', refused: get('X: a\x0bb\r\n'), accepted: get('X: a\tb\r\n'), what: 'with a vertical tab' },
  { fault: 'fieldValue', refused: get('X: \x7f\r\n'), accepted: get('X: \x80\r\n'), what: 'with DEL' },
  { fault: 'missingHost', refused: 'GET / HTTP/1.1\r\n\r\n', accepted: 'GET / HTTP/1.1\r\nHost:\r\n\r\n' },
  {
    fault: 'missingHost',
    refused: 'GET http://a/ HTTP/1.1\r\n\r\n',
    accepted: 'GET / HTTP/1.0\r\n\r\n',
    what: 'beside an absolute target',
  },
  { fault: 'repeatedHost', refused: get('Host: a\r\n'), accepted: get('') },
  { fault: 'repeatedHost', refused: get('hOST: b\r\n'), accepted: get('Hosts: b\r\n'), what: 'in another case' },
  {
    fault: 'repeatedHost',
    refused: 'GET / HTTP/1.0\r\nHost:\r\nHost: b\r\n\r\n',
    accepted: 'GET / HTTP/1.0\r\nHost: b\r\n\r\n',
    what: 'by an HTTP/1.0 client',
  },
  { fault: 'contentLength', refused: post('Content-Length: +1\r\n', 'x'), accepted: post('Content-Length: 1\r\n', 'x') },
  {
    fault: 'contentLength',
    refused: post('Content-Length: -1\r\n', ''),
    accepted: post('Content-Length: 0\r\n', ''),
    what: 'negative',
  },
  {
    fault: 'contentLength',
    refused: post('Content-Length: \r\n', ''),
    accepted: post('Content-Length: 0\r\n', ''),
    what: 'empty',
  },
  {
    fault: 'contentLength',
    refused: post('Content-Length: 1, 1\r\n', 'x'),
    accepted: post('Content-Length: 1\r\n', 'x'),
    what: 'as a list',
  },
  {
    fault: 'contentLength',
    refused: post('Content-Length: 0x1\r\n', 'x'),
    accepted: post('Content-Length: 01\r\n', 'x'),
    what: 'in another base',
  },
  {
    fault: 'contentLength',
    refused: post('Content-Length: 1 0\r\n', 'x'),
    accepted: post('Content-Length:  1 \t\r\n', 'x'),
    what: 'with a space inside',
  },
  {
    fault: 'contentLength',
    refused: post('Content-Length: 0000000000000001\r\n', 'x'),
    accepted: post('Content-Length: 000000000000001\r\n', 'x'),
    what: 'of 16 digits',
  },
  {
    fault: 'repeatedContentLength',
    refused: post('Content-Length: 1\r\nContent-Length: 2\r\n', 'xx'),
    accepted: post('Content-Length: 2\r\n', 'xx'),
  },
  {
    fault: 'repeatedContentLength',
    refused: post('Content-Length: 1\r\ncontent-length: 1\r\n', 'x'),
    accepted: post('Content-Length: 1\r\n', 'x'),
    what: 'and equal',
  },
  {
    fault: 'bothLengths',
    refused: post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    accepted: chunked('0\r\n\r\n'),
  },
  {
    fault: 'bothLengths',
    refused: post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', '0\r\n\r\n'),
    accepted: chunked('0\r\n\r\n'),
    what: 'in the other order',
  },
  {
    fault: 'transferEncoding',
    refused: post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
    accepted: post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'),
  },
  {
    fault: 'transferEncoding',
    refused: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    accepted: chunked('0\r\n\r\n'),
    what: 'given twice',
  },
  {
    fault: 'transferEncoding',
    refused: post('Transfer-Encoding: identity\r\n', ''),
    accepted: post('', ''),
    what: 'that is none',
  },
  { fault: 'transferEncoding', refused: post('Transfer-Encoding:\r\n', ''), accepted: post('', ''), what: 'empty' },
  {
    fault: 'transferEncoding',
    refused: post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'),
    accepted: post('Transfer-Encoding: \t chunked \r\n', '0\r\n\r\n'),
    what: 'with a parameter',
  },
  {
    fault: 'transferEncoding',
    refused: post('Transfer-Encoding: chunked\xa0\r\n', '0\r\n\r\n'),
    accepted: chunked('0\r\n\r\n'),
    what: 'with a space that is none',
  },
  {
    fault: 'transferEncoding',
    refused: chunked('0\r\n\r\n').replace('chunked', 'chunked\t'),
    accepted: chunked('0\r\n\r\n').replace('chunked', '\tchunked  '),
    what: 'before a tab',
  },
  {
    fault: 'transferEncodingVersion',
    refused: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    accepted: chunked('0\r\n\r\n'),
  },
  {
    fault: 'connect',
    refused: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx',
    accepted: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n',
  },
  {
    fault: 'connect',
    refused: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    accepted: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    what: 'with chunks',
  },
  {
    fault: 'connect',
    refused: 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n',
    accepted: 'CONNEC / HTTP/1.1\r\nHost: a\r\n\r\n',
    what: 'with a path',
  },
  { fault: 'chunkSize', refused: chunked('g\r\n'), accepted: chunked('F\r\n0123456789abcde\r\n0\r\n\r\n') },
  { fault: 'chunkSize', refused: chunked('\r\nx\r\n0\r\n\r\n'), accepted: chunked('1\r\nx\r\n0\r\n\r\n'), what: 'missing' },
  { fault: 'chunkSize', refused: chunked('0x1\r\nx\r\n0\r\n\r\n'), accepted: chunked('01\r\nx\r\n0\r\n\r\n'), what: 'with 0x' },
  { fault: 'chunkSize', refused: chunked('-1\r\nx\r\n0\r\n\r\n'), accepted: chunked('1\r\nx\r\n0\r\n\r\n'), what: 'with a sign' },
  {
    fault: 'chunkSize',
    refused: chunked(' 1\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'behind a space',
  },
  {
    fault: 'chunkSize',
    refused: chunked('1 \r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'before a space',
  },
  {
    fault: 'chunkSize',
    refused: chunked('1 ;a\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a\r\nx\r\n0\r\n\r\n'),
    what: 'with a space before its extension',
  },
  {
    fault: 'chunkSize',
    refused: chunked('00000000000001\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('0000000000001\r\nx\r\n0\r\n\r\n'),
    what: 'of 14 digits',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1;\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a\r\nx\r\n0\r\n\r\n'),
    what: 'without a name',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1; a\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a;b\r\nx\r\n0\r\n\r\n'),
    what: 'behind a space',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1;a=\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a=b\r\nx\r\n0\r\n\r\n'),
    what: 'without a value',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1;a="b"c\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a="b";c\r\nx\r\n0\r\n\r\n'),
    what: 'with text behind its quotes',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1;a="\n"\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a="\t"\r\nx\r\n0\r\n\r\n'),
    what: 'with LF in its quotes',
  },
  {
    fault: 'chunkExtension',
    refused: chunked('1;a="\\\r"\r\nx\r\n0\r\n\r\n'),
    accepted: chunked('1;a="\\""\r\nx\r\n0\r\n\r\n'),
    what: 'with an escaped CR',
  },
  { fault: 'chunkEnd', refused: chunked('1\r\nxy\r\n0\r\n\r\n'), accepted: chunked('2\r\nxy\r\n0\r\n\r\n') },
  {
    fault: 'chunkEnd',
    refused: chunked('1\r\nx\n0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'that is a bare LF',
  },
  {
    fault: 'chunkEnd',
    refused: chunked('1\r\nx\r0\r\n\r\n'),
    accepted: chunked('1\r\nx\r\n0\r\n\r\n'),
    what: 'that is a bare CR',
  },
  {
    fault: 'framingTrailer',
    refused: chunked('0\r\nContent-Length: 0\r\n\r\n'),
    accepted: chunked('0\r\nContent-Lengths: 0\r\n\r\n'),
  },
  {
    fault: 'framingTrailer',
    refused: chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
    accepted: chunked('0\r\nTransfer: chunked\r\n\r\n'),
    what: 'for chunks',
  },
  {
    fault: 'foldedLine',
    refused: chunked('0\r\nX: 1\r\n 2\r\n\r\n'),
    accepted: chunked('0\r\nX: 1 2\r\n\r\n'),
    what: 'in the trailer section',
  },
  { fault: 'headTooLarge', refused: get(`X: ${'x'.repeat(171)}\r\n`), accepted: get(`X: ${'x'.repeat(168)}\r\n`) },
  { fault: 'tooManyFields', refused: get('X: 1\r\nX: 2\r\nX: 3\r\n'), accepted: get('X: 1\r\nX: 2\r\n') },
  {
    fault: 'tooManyFields',
    refused: chunked('0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n'),
    accepted: chunked('0\r\nA:\r\nB:\r\nC:\r\n\r\n'),
    what: 'in the trailer section',
  },
  {
    fault: 'targetTooLong',
    refused: `GET /${'x'.repeat(20)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    accepted: `GET /${'x'.repeat(19)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  },
  {
    fault: 'chunkLineTooLong',
    refused: chunked(`1;${'x'.repeat(4_094)}\r\nx\r\n0\r\n\r\n`),
    accepted: chunked(`1;${'x'.repeat(4_093)}\r\nx\r\n0\r\n\r\n`),
  },
  {
    fault: 'chunkLineTooLong',
    refused: chunked(`${`1;${'x'.repeat(4_000)}\r\nx\r\n`.repeat(5)}0\r\n\r\n`),
    accepted: chunked(`${`1;${'x'.repeat(4_000)}\r\nx\r\n`.repeat(4)}0\r\n\r\n`),
    what: 'in the sum',
  },
  {
    fault: 'trailersTooLarge',
    refused: chunked(`0\r\nX: ${'x'.repeat(16_378)}\r\n\r\n`),
    accepted: chunked(`0\r\nX: ${'x'.repeat(16_377)}\r\n\r\n`),
  },
  { fault: 'truncated', refused: 'GET / HTTP/1.1\r\nHost: a\r\n\r', accepted: get('') },
  { fault: 'truncated', refused: '\r', accepted: '\r\n', what: 'before the request' },
  {
    fault: 'truncated',
    refused: post('Content-Length: 2\r\n', 'x'),
    accepted: post('Content-Length: 2\r\n', 'xx'),
    what: 'in a body',
  },
  { fault: 'truncated', refused: chunked('1\r\nx\r\n0\r\n\r'), accepted: chunked('1\r\nx\r\n0\r\n\r\n'), what: 'in chunks' },
];

const switching = 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

const responseCases: readonly FaultCase[] = [
  { fault: 'switching', refused: switching.replace('Upgrade: x\r\n', ''), accepted: switching },
  {
    fault: 'switching',
    refused: switching.replace('Connection: Upgrade', 'Connection: x'),
    accepted: switching,
    what: 'without Connection',
  },
  { fault: 'statusLine', refused: 'HTTX/1.1 200 OK\r\n\r\n', accepted: 'HTTP/1.1 200 OK\r\n\r\n' },
  { fault: 'statusLine', refused: 'HTTP/1.1  200 OK\r\n\r\n', accepted: 'HTTP/1.1 200  OK\r\n\r\n', what: 'with two spaces' },
  { fault: 'statusLine', refused: 'HTTP/1.1 20 OK\r\n\r\n', accepted: 'HTTP/1.1 200\r\n\r\n', what: 'with two digits' },
  { fault: 'statusLine', refused: 'HTTP/1.1 2000 OK\r\n\r\n', accepted: 'HTTP/1.1 200 \r\n\r\n', what: 'with four digits' },
  { fault: 'statusLine', refused: 'HTTP/1.1 099 No\r\n\r\n', accepted: 'HTTP/1.1 599 Yes\r\n\r\n', what: 'below 100' },
  { fault: 'statusLine', refused: 'HTTP/1.1 600 No\r\n\r\n', accepted: 'HTTP/1.1 599 \xfc\t!\r\n\r\n', what: 'above 599' },
  { fault: 'statusLine', refused: 'HTTP/1.1 200 O\0K\r\n\r\n', accepted: 'HTTP/1.1 200 OK\r\n\r\n', what: 'with NUL' },
  {
    fault: 'statusLine',
    refused: '\r\nHTTP/1.1 200 OK\r\n\r\n',
    accepted: 'HTTP/1.1 200 OK\r\n\r\n',
    what: 'behind an empty line',
  },
  { fault: 'version', refused: 'HTTP/2.0 200 OK\r\n\r\n', accepted: 'HTTP/1.0 200 OK\r\n\r\n' },
  { fault: 'bareLineFeed', refused: 'HTTP/1.1 200 OK\n\r\n', accepted: 'HTTP/1.1 200 OK\r\n\r\n' },
  { fault: 'bareCarriageReturn', refused: 'HTTP/1.1 200 OK\rX: 1\r\n\r\n', accepted: 'HTTP/1.1 200 OK\r\nX: 1\r\n\r\n' },
  { fault: 'foldedLine', refused: ok('X: 1\r\n 2\r\n'), accepted: ok('X: 1 2\r\n') },
  {
    fault: 'bothLengths',
    refused: ok('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    accepted: ok('Transfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  },
  {
    fault: 'transferEncodingVersion',
    refused: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    accepted: 'HTTP/1.0 200 OK\r\n\r\n0\r\n\r\n',
  },
  {
    fault: 'chunkEnd',
    refused: ok('Transfer-Encoding: chunked\r\n', '1\r\nxy'),
    accepted: ok('Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'),
  },
  { fault: 'headTooLarge', refused: ok(`X: ${'x'.repeat(179)}\r\n`), accepted: ok(`X: ${'x'.repeat(176)}\r\n`) },
  { fault: 'tooManyFields', refused: ok('A:\r\nB:\r\nC:\r\nD:\r\n'), accepted: ok('A:\r\nB:\r\nC:\r\n') },
  { fault: 'truncated', refused: 'HTTP/1.1 200 OK\r\n\r', accepted: 'HTTP/1.1 200 OK\r\n\r\n' },
  { fault: 'truncated', refused: '', accepted: 'HTTP/1.1 200 OK\r\n\r\n', what: 'before it began' },
  {
    fault: 'truncated',
    refused: ok('Content-Length: 2\r\n', 'x'),
    accepted: ok('Content-Length: 2\r\n', 'xx'),
    what: 'in its body',
  },
  {
    fault: 'truncated',
    refused: ok('Transfer-Encoding: chunked\r\n', '1\r\nx\r\n'),
    accepted: ok('Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'),
    what: 'in its chunks',
  },
];

/** Splitting the few long ones in every way would take seconds and show nothing that the short ones do not. */
const SPLIT_BYTES_MAX = 400;

function assertFault(read: (pieces: Buffer[]) => { end: string }, { fault, refused, accepted }: FaultCase): void {
  const [bytes, neighbour] = [toBytes(refused), toBytes(accepted)];
  assert.equal(read([bytes]).end, fault);
  assert.match(read([neighbour]).end, /^(whole|close|switched)$/, 'the neighbour is accepted');
  for (const whole of [bytes, neighbour]) {
    const expected = read([whole]);
    if (whole.length > SPLIT_BYTES_MAX) continue;
    for (const pieces of everySplit(whole)) {
      assert.deepEqual(
        read(pieces),
        expected,
        `split as ${pieces.map((piece) => JSON.stringify(piece.latin1Slice())).join(' + ')}`,
      );
    }
  }
}

for (const each of requestCases) {
  test(`refuses a request: ${faults[each.fault]} (${each.what ?? each.fault}), and accepts its neighbour, however split`, () => {
    assertFault((pieces) => readRequests(pieces, { limits: smallLimits }), each);
  });
}

for (const each of responseCases) {
  test(`refuses an answer: ${faults[each.fault]} (${each.what ?? each.fault}), and accepts its neighbour, however split`, () => {
    assertFault((pieces) => readResponse(pieces, { limits: smallLimits }), each);
  });
}

test('every fault has a case', () => {
  const covered = new Set([...requestCases, ...responseCases].map(({ fault }) => fault));
  assert.deepEqual(
    Object.keys(faults).filter((fault) => !covered.has(fault as Fault)),
    [],
  );
});
