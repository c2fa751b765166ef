/** Takes recorded requests through a configuration, in this process and without sockets, one after the other. */
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { DiffRules } from '#http/answer-diff/answer-diff.ts';
import type { Exchange } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import { policyOrder } from '#policies/registry.ts';
import { toSentBytes } from '#telemetry/recording/recorded-bytes.ts';
import type { RecordedExchange, RecordedFields } from '#telemetry/recording/recorded-exchange.ts';
import { Control } from '../control.ts';
import type { Refusal } from '../refusal.ts';
import { type ComparedReplay, compareReplay } from './compare-decisions.ts';
import { toOffline } from './offline-configuration.ts';
import { createReplayedPolicies } from './recorded-identity.ts';
import { RecordedUpstreams } from './recorded-upstreams.ts';
import { ReplayClock } from './replay-clock.ts';

export interface RehearsedConfiguration {
  /** A text: why it cannot be replayed. */
  replay(recorded: RecordedExchange): Promise<ComparedReplay | string>;
  stop(): Promise<void>;
}

export async function rehearse(
  load: () => Promise<LoadedConfiguration>,
  rules: DiffRules,
): Promise<RehearsedConfiguration | Refusal> {
  const clock = new ReplayClock(systemClock);
  const upstreams = new RecordedUpstreams();
  let present: RecordedExchange | undefined;
  let exchange: Exchange | undefined;
  let isBatch = false;
  const control = new Control({
    clock,
    logger: silentLogger,
    load: async () => withOffline(await load()),
    threads: 0,
    watches: false,
    rehearsal: {
      upstreams,
      policies: createReplayedPolicies(() => present),
      nextRequestId: () => present?.id ?? '',
      begin(begun) {
        // What comes within a batch is part of it.
        isBatch ||= begun.batchOf !== undefined;
        if (begun.batchOf !== undefined) return;
        exchange = begun;
        begun.journal = new ExchangeJournal(clock);
      },
    },
  });
  const prepared = await control.prepareInjection();
  if ('issues' in prepared) return prepared;
  return {
    async replay(recorded) {
      const request = toInjected(recorded);
      if (typeof request === 'string') return request;
      present = recorded;
      exchange = undefined;
      isBatch = false;
      clock.advanceTo(Date.parse(recorded.time));
      upstreams.follow(recorded);
      const answer = await injectOrNothing(prepared, request);
      if (exchange === undefined) return 'the request cannot be read';
      // What its requests were answered is not known by itself.
      if (isBatch) return 'the request is a batch';
      return compareReplay(recorded, { exchange, answer, calls: upstreams.calls }, rules);
    },
    stop: () => control.stop(),
  };
}

interface Injection {
  inject(request: InjectedRequest): Promise<InjectedAnswer>;
}

/** An answer that breaks off shows in the exchange. */
async function injectOrNothing(injection: Injection, request: InjectedRequest): Promise<InjectedAnswer | undefined> {
  try {
    return await injection.inject(request);
  } catch {
    // What it ended with is noted there.
    return undefined;
  }
}

function withOffline(loaded: LoadedConfiguration): LoadedConfiguration {
  const { configuration } = loaded;
  return configuration === undefined ? loaded : { ...loaded, configuration: toOffline(configuration, policyOrder) };
}

function toInjected({ request, client, listener }: RecordedExchange): InjectedRequest | string {
  const { method, scheme, authority, target, headers, body } = request;
  if (!target.startsWith('/')) return 'the request is not for a path';
  const { bytes, isWhole } = toSentBytes(body);
  if (!isWhole) return 'the body of the request is not kept as a whole';
  return {
    method,
    url: `${scheme}://${authority === '' ? 'localhost' : authority}${target}`,
    headers: toHeaders(headers),
    body: bytes,
    listener,
    ...(client !== undefined && { clientAddress: client }),
  };
}

function toHeaders(fields: RecordedFields): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const present = headers.get(name);
    if (present === undefined) headers.set(name, [value]);
    else present.push(value);
  }
  return Object.fromEntries(headers);
}
