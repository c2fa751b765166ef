import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_RANK_EXACT, HostMap } from './host-map.ts';

const map = new HostMap([
  ['bank.example.com', 'bank'],
  ['*.example.com', 'any'],
  ['*.iot.example.com', 'iot'],
]);

test('the name itself goes before patterns, and the longest pattern before shorter ones', () => {
  const cases: [host: string, value: string | undefined][] = [
    ['bank.example.com', 'bank'],
    ['shop.example.com', 'any'],
    ['a.iot.example.com', 'iot'],
    ['a.b.iot.example.com', 'iot'],
    ['iot.example.com', 'any'],
    ['a.bank.example.com', 'any'],
    ['example.com', undefined],
    ['com', undefined],
    ['', undefined],
    ['xexample.com', undefined],
    [`${'a.'.repeat(200)}example.com`, undefined],
  ];
  for (const [host, value] of cases) assert.equal(map.find(host)?.value, value, host);
});

test('ranks tell which of two maps says more of a name', () => {
  assert.equal(map.find('bank.example.com')!.rank, HOST_RANK_EXACT);
  assert.ok(map.find('a.iot.example.com')!.rank > map.find('a.example.com')!.rank);
});
