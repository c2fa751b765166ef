import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { accessLogSchema } from '#config/access-log/access-log-schema.ts';
import type { LineSettings } from '#config/access-log/line-settings.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import { clientErrors } from '#http/client-errors.ts';
import { toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type LoggedExchange, makeExchange } from '#test/support/logged-exchange.ts';
import { compileLineFormat, readsResponseFields } from './compile-line-format.ts';
import { LineTime } from './line-time.ts';
import { Redactor } from './redactor.ts';

type Written = z.input<typeof accessLogSchema>;

function readSettings(written: Written): LineSettings {
  const settings = accessLogSchema.parse(written);
  assert.ok(settings !== false);
  return settings.logs[0]!;
}

function setUp(written: Written) {
  const clock = new FakeClock();
  const settings = readSettings(written);
  const means = { time: new LineTime(clock), redactor: new Redactor(settings.redact), configuration: 'c0ffee' };
  const format = compileLineFormat(settings, means);
  const make = (told: LoggedExchange) => {
    const exchange = makeExchange({ startedMs: clock.monotonicMs(), ...told });
    exchange.finishedMs = exchange.startedMs + 12.3456;
    return exchange;
  };
  const write = (told: LoggedExchange = {}, change: (exchange: Exchange) => void = () => undefined) => {
    const exchange = make(told);
    change(exchange);
    return format.toLine(exchange);
  };
  const read = (...told: Parameters<typeof write>) => JSON.parse(write(...told)) as Record<string, unknown>;
  return { clock, format, write, read };
}

test('the common and the combined format are those of web servers', () => {
  const fields = ['referer', 'https://a.example/x?token=1', 'user-agent', 'curl/8'];
  const told = { fields, protocol: 'HTTP/2' } as const;
  const change = (exchange: Exchange) => {
    exchange.consumer = toPlainConsumer('alice', []);
    exchange.responseBytes = 512;
  };
  const common = '192.0.2.7 - alice [07/May/2031:11:13:17 +0000] "GET /a?b=1 HTTP/2.0" 200 512';
  assert.equal(setUp({ format: 'common' }).write(told, change), `${common}\n`);
  const combined = `${common} "https://a.example/x?token=[redacted]" "curl/8"\n`;
  assert.equal(setUp({ format: 'combined' }).write(told, change), combined);
  assert.match(setUp({ format: 'combined' }).write(), /^192\.0\.2\.7 - - \[.*\] "GET \/a\?b=1 HTTP\/1\.1" 200 0 "-" "-"\n$/);
});

test('a template is the whole line, with dashes for what is not there', () => {
  const { write } = setUp({ format: { template: '${status} ${durationMs}ms $${status} é ${consumer} ${query.b}|${query.c}' } });
  assert.equal(write(), '200 12.346ms ${status} \\xc3\\xa9 - 1|-\n');
});

test('a list of fields has all that a line has, in its order, with values of their own kind', () => {
  const fields = ['status', 'time.unixMs', 'durationMs', 'path', 'query', 'port', 'configuration', { env: 'prod' }] as const;
  const { write } = setUp({ fields: [...fields, { what: '${method} ${path} by ${consumer}' }, 'consumer'] });
  const expected =
    '{"status":200,"time.unixMs":1935918797719,"durationMs":12.346,"path":"/a","query":"b=1","port":1,"configuration":"c0ffee","env":"prod","what":"GET /a by "}\n';
  assert.equal(write(), expected);
});

test('a map of fields changes the default: more, others, and some left out', () => {
  const added = setUp({ fields: { env: 'prod', agent: '${request.header.user-agent}' } });
  const line = added.read({ fields: ['user-agent', 'x'] });
  assert.deepEqual([line['env'], line['agent'], line['target'], line['host']], ['prod', 'x', '/a?b=1', 'shop.example']);
  assert.deepEqual(Object.keys(line).slice(-3), ['durationMs', 'env', 'agent']);
  assert.equal('agent' in added.read(), false);
  const changed = setUp({ fields: { host: false, target: '${path}', unknown: false } });
  const other = changed.read();
  assert.equal('host' in other, false);
  assert.equal(other['target'], '/a');
  assert.equal(other['status'], 200);
});

test('the default line is the same whoever puts it together', () => {
  const fast = setUp({});
  const slow = setUp({ redact: ['groups'] });
  const change = (exchange: Exchange) => {
    exchange.plan = { routeName: 'r' };
    exchange.serviceName = 's';
    exchange.endpointName = 'http://e';
    exchange.upstreamHeadMs = exchange.startedMs + 3;
    exchange.batchOf = 'b';
    exchange.consumer = toPlainConsumer('alice', []);
    exchange.attempts = 3;
    const call = {
      name: 'c',
      service: 's',
      endpoint: 'e',
      status: 200,
      durationMs: 1,
      bytes: 3,
      outcome: 'ok',
      code: 'GH_X',
    } as const;
    exchange.calls = [{ ...call, attempts: 2, count: 4 } as never];
    exchange.tried = [{ endpoint: 'http://f', outcome: 503, detail: undefined, durationMs: 1.23456 }];
    exchange.notRetried = 'GH_Y';
    exchange.fallbackReason = '503';
    exchange.cacheResult = 'miss';
    exchange.isTunnel = true;
    exchange.error = clientErrors.gone({ list: 'é' });
    exchange.reported = clientErrors.gone({ rule: 'x' });
  };
  assert.equal(slow.write({}, change), fast.write({}, change));
  assert.equal(slow.write(), fast.write());
  const error = clientErrors.gone({ list: 'x' });
  const facts = {
    id: 'i',
    listener: 'l',
    serverName: 'n',
    serviceName: 's',
    endpointName: 'e',
    startedMs: 5,
    connectedMs: 7,
    finishedMs: 9,
  };
  const connection = { ...facts, accepted: { clientAddress: '::1' }, clientBytes: 1, upstreamBytes: 2, attempts: 2, error };
  // As much of a connection as a line is made of.
  const tcp = connection as unknown as TcpConnection;
  assert.deepEqual(JSON.parse(slow.format.toTcpLine(tcp)), JSON.parse(fast.format.toTcpLine(tcp)));
});

test('headers, parameters, claims and captures are told, and those with credentials are not', () => {
  const fields = [
    'request.header.X-Team',
    'request.header.authorization',
    'request.header.cookie',
    'response.header.content-type',
  ] as const;
  const more = [
    'response.header.set-cookie',
    'query.page',
    'query.token',
    'claim.tenant.id',
    'path.id',
    'path.rest',
    'groups',
  ] as const;
  const { read } = setUp({ fields: [...fields, ...more], redact: ['path.rest'] });
  const told = { target: '/a?page=a%20b&token=1', fields: ['x-team', 'red', 'authorization', 'Bearer x', 'x-team', 'blue'] };
  const line = read(told, (exchange) => {
    exchange.sentFields = ['content-type', 'text/plain', 'set-cookie', 'a=1'];
    exchange.consumer = { ...toPlainConsumer('alice', ['gold']), claims: { tenant: { id: 7 } } };
    exchange.captureNames = ['id', 'rest'];
    exchange.captures = ['caf%C3%A9', 'x'];
  });
  assert.deepEqual(line, {
    'request.header.x-team': 'red',
    'request.header.authorization': '[redacted]',
    'response.header.content-type': 'text/plain',
    'response.header.set-cookie': '[redacted]',
    'query.page': 'a b',
    'query.token': '[redacted]',
    'claim.tenant.id': '7',
    'path.id': 'café',
    'path.rest': '[redacted]',
    groups: ['gold'],
  });
});

test('fields of answers are kept only where a line has some', () => {
  const cases: readonly (readonly [Written, boolean])[] = [
    [{}, false],
    [{ format: 'combined' }, false],
    [{ fields: ['response.header.etag'] }, true],
    [{ fields: { etag: '"${response.header.etag}"' } }, true],
    [{ format: { template: '${response.header.etag}' } }, true],
    [{ format: 'common', fields: ['response.header.etag'] }, false],
  ];
  for (const [written, expected] of cases)
    assert.equal(readsResponseFields(readSettings(written)), expected, JSON.stringify(written));
});

/** What a client may put into a field: bytes, one to a character. */
const hostile = [
  'x"} {"status":200',
  'x\\',
  '\\"',
  "'; rm -rf / #",
  'a\tb',
  'a\r\nb: c',
  'a\nGET / 200',
  'a\u0000b\u001b[31m\u007f',
  'caf\u00c3\u00a9',
  '\u00ff\u00fe\u0080',
  '\u00c3(',
  '${status}',
  '%0d%0aX',
];

for (const format of ['json', 'combined', 'template', 'fields'] as const) {
  test(`whatever is in a field, a line of the format "${format}" is one line of ASCII, and nothing is lost of it`, () => {
    const settings: Record<typeof format, Written> = {
      json: { fields: { agent: '${request.header.user-agent}', both: '${request.header.user-agent}!' } },
      combined: { format: 'combined' },
      template: { format: { template: '${request.header.user-agent}' } },
      fields: { fields: ['request.header.user-agent', 'target', { 'a"b\n': 'c"d' }] },
    };
    const { write } = setUp(settings[format]);
    for (const value of hostile) {
      const line = write({ fields: ['user-agent', value] });
      assert.match(line, /^[\x20-\x7e]+\n$/, JSON.stringify(line));
      if (format === 'json' || format === 'fields') {
        const read = JSON.parse(line) as Record<string, unknown>;
        const shown = read[format === 'json' ? 'agent' : 'request.header.user-agent'];
        assert.equal(shown, value === 'caf\u00c3\u00a9' ? 'café' : value);
        if (format === 'fields') assert.equal(read['a"b\n'], 'c"d');
      } else {
        const [, quoted] = /"((?:[^"])*)"\n$/.exec(line) ?? [];
        if (format === 'combined') assert.equal(line.split('"').length, 7, line);
        const escaped = format === 'combined' ? quoted! : line.slice(0, -1);
        const bytes = escaped.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
        const asUtf8 = Buffer.from(value === 'caf\u00c3\u00a9' ? 'café' : value, 'utf8').toString('latin1');
        assert.equal(bytes, asUtf8);
      }
    }
  });
}
