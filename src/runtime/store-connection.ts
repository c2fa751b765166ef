/** The store of a configuration, kept from one configuration to the next where nothing of it has changed. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { createDialer, type DialTls } from '#net/dial.ts';
import type { NameResolver } from '#net/name-resolver.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import type { RedisStore } from '#stores/redis/redis-store.ts';

export interface ProvidedStore {
  /** All that it depends on. */
  readonly definition: string;
  readonly store: RedisStore;
}

export interface StoreConnectionMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resolver: NameResolver;
  readonly resolverDefinition: string;
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * `undefined`: the configuration has none. A store that is away is one all the same: its first connection is waited for, so
 * that the first requests find it, but not that it succeeds. Rejects where its certificates cannot be used.
 */
export async function provideStore(
  { stores }: Pick<SettingsOfConfiguration, 'stores'>,
  present: ProvidedStore | undefined,
  { clock, logger, resolver, resolverDefinition, texts }: StoreConnectionMeans,
): Promise<ProvidedStore | undefined> {
  const redis = stores?.redis;
  if (redis === undefined) return undefined;
  const { url, username, ca: caFile, prefix, failures, timeout, pause, settleEvery } = redis;
  const password = redis.password?.reveal();
  const ca = caFile === undefined ? undefined : texts[caFile];
  const definition = JSON.stringify([{ ...redis, password }, ca, resolverDefinition]);
  if (present?.definition === definition) return present;
  // Most configurations have none.
  const { RedisStore } = await import('#stores/redis/redis-store.ts');
  const { host, port, database, isSecure } = url;
  const tls = isSecure ? { ...plainTls, ca } : undefined;
  const dialer = createDialer({ address: { host, port }, tls, resolver });
  const store = new RedisStore(
    {
      address: `${host}:${port}`,
      database,
      username,
      password,
      prefix,
      timeoutMs: timeout,
      failuresMax: failures,
      pauseMs: pause,
      settleEveryMs: settleEvery,
    },
    { clock, logger, later: startTimer, connect: dialer.connect, readyEvent: isSecure ? 'secureConnect' : 'connect' },
  );
  await store.firstAttempt;
  return { definition, store };
}

const plainTls: DialTls = {
  serverName: undefined,
  ca: undefined,
  crl: undefined,
  certificate: undefined,
  isVerified: true,
  protocols: [],
};

/** Finer than the timer wheel; one for each connection, and none for a request. */
function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
