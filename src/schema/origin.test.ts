import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOriginPattern } from './origin.ts';

test('reads origins as browsers write them', () => {
  for (const [text, value] of [
    ['https://app.example.com', undefined],
    ['HTTPS://App.Example.com', 'https://app.example.com'],
    ['http://localhost:3000', undefined],
    ['https://*.example.com:8443', undefined],
    ['http://[::1]:8080', undefined],
    ['app://shop', undefined],
    ['http://localhost:443', undefined],
  ] as const)
    assert.deepEqual(readOriginPattern(text), { value: value ?? text });
});

test('refuses what no browser sends, and says what would be right', () => {
  for (const [text, problem] of [
    ['https://app.example.com/', /no path; write "https:\/\/app\.example\.com"/],
    ['https://app.example.com:443', /leave the port of `https` away; write "https:\/\/app\.example\.com"/],
    ['app.example.com', /not an origin/],
    ['https://*', /not an origin/],
    ['https://*.com', /top-level domain/],
    ['https://a.*.example.com', /not an origin/],
    ['https://app.example.com evil', /not an origin/],
    ['https://user@example.com', /not an origin/],
    ['https://a..b', /not an origin/],
    ['http://localhost:70000', /no port 70000/],
    ['null', /sandboxed/],
    ['', /not an origin/],
  ] as const) {
    const reading = readOriginPattern(text);
    assert.match('problem' in reading ? reading.problem : '', problem, text);
  }
});
