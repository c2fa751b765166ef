/** Where a Redis server is. Who connects is no part of it: what is a secret stands in a setting of its own. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export interface RedisUrl {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly isSecure: boolean;
}

const PORT = 6_379;
const DATABASE_MAX = 65_535;
const URL_PATTERN = /^(rediss?):\/\/(?:([^@]*)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\/(\d{1,5})?)?$/;

export function readRedisUrl(text: string): Reading<RedisUrl> {
  const match = URL_PATTERN.exec(text);
  if (match === null) return { problem: explain(text) };
  const [, scheme, user, written, port = String(PORT), database = '0'] = match;
  // Not even quoted: it holds a password, most likely.
  if (user !== undefined)
    return { problem: 'the URL holds a user or a password; write them as `username` and `password: ${env:REDIS_PASSWORD}`' };
  const host = written!.replace(/^\[|\]$/g, '');
  if (written!.startsWith('[') && isIP(host) !== 6) return { problem: explain(text) };
  if (Number(port) < 1 || Number(port) > 65_535) return { problem: `${quote(text)}: a port is a number from 1 to 65535` };
  if (Number(database) > DATABASE_MAX) return { problem: `${quote(text)}: there is no database ${database}` };
  return { value: { host, port: Number(port), database: Number(database), isSecure: scheme === 'rediss' } };
}

/** The URL of a Redis server: `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS. */
export function redisUrl(): z.ZodType<RedisUrl, string> {
  return textKind({
    noun: 'the URL of a Redis server',
    examples: ['redis://127.0.0.1:6379', 'rediss://redis.example.com:6380/2'],
    pattern: URL_PATTERN,
    help: '`redis://HOST:PORT/DATABASE`, or `rediss://` for TLS; the port is 6379 and the database 0 where they are left out.',
    read: readRedisUrl,
  });
}

function explain(text: string): string {
  if (text.includes('@'))
    return 'the URL is none that is understood; write it as `redis://HOST:6379`, without a user or password';
  return `${quote(text)} is no URL of a Redis server; write one such as \`redis://127.0.0.1:6379\`, or \`rediss://\` for TLS`;
}
