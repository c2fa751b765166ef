import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKafkaBroker } from './kafka-broker.ts';

test('reads where a broker is', () => {
  for (const [text, value] of [
    ['127.0.0.1:9092', { host: '127.0.0.1', port: 9092 }],
    ['kafka-1.example.com:65535', { host: 'kafka-1.example.com', port: 65_535 }],
    ['[2001:db8::7]:1', { host: '2001:db8::7', port: 1 }],
  ] as const)
    assert.deepEqual(readKafkaBroker(text), { value });
});

test('says what is wrong with what is none', () => {
  for (const [text, expected] of [
    ['', /is no address of a broker; write one such as/],
    ['kafka', /"kafka" has no port; write `kafka:9092`/],
    ['kafka:0', /a port is a number from 1 to 65535/],
    ['kafka:65536', /a port is a number from 1 to 65535/],
    ['kafka:port', /is no address of a broker/],
    ['2001:db8::7:9092', /is no address of a broker/],
    ['[127.0.0.1]:9092', /is no address of a broker/],
    ['kafka://kafka:9092', /leave out the scheme, and write `tls` beside it/],
    ['a:9092,b:9092', /are several brokers; write them as a list/],
    ['alice:hunter2@kafka:9092', /^the address holds a user or a password; write them as `sasl`$/],
  ] as const) {
    const reading = readKafkaBroker(text);
    assert.ok('problem' in reading, text);
    assert.match(reading.problem, expected);
  }
});
