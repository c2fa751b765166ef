/** What the plans of an explanation are made with: nothing of it runs, counts, opens or asks anything. */
import type { Clock } from '#base/clock.ts';
import { Keeper } from '#base/keeper.ts';
import { StoreFailed } from '#base/key-value-store.ts';
import type { Logger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { Mirrors } from '#forward/mirrors.ts';
import type { Exchange } from '#http/exchange.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { TurnEnd } from '#http/turn-end.ts';
import { HttpCallFailed } from '#net/http-call.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { rescue } from '#pipeline/rescue.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import type { SnapshotMeans } from '#snapshot/compile.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { provideQuotaMemory } from '#stores/quota-entries.ts';
import { SharedAllowances } from '#stores/shared-allowances.ts';
import { provideConcurrencyMemory, SharedConcurrency } from '#stores/shared-concurrency.ts';
import { SharedQuotas } from '#stores/shared-quotas.ts';

export interface ExplainingMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly addressLists: SnapshotMeans['addressLists'];
  readonly countries: SnapshotMeans['countries'];
  readonly contracts: SnapshotMeans['contracts'];
}

export function toExplainingMeans({ clock, logger, addressLists, countries, contracts }: ExplainingMeans): SnapshotMeans {
  const wheel = new TimerWheel(clock);
  return {
    clock,
    logger,
    wheel,
    resolver: new NameResolver({ servers: [], ttlMinMs: 0, ttlMaxMs: 0 }, clock),
    buffers: new ReadBuffers(),
    frames: new FrameMemory(),
    turnEnd: new TurnEnd(),
    mirrors: new Mirrors({ clock, logger, wheel }),
    random: () => 0,
    nextRequestId: () => '',
    gateway: { onExchange: refuse, onRefusedRequest: rescue, onExchangeFinished: () => undefined },
    later: () => () => undefined,
    answers: new SharedAnswers(provideAnswerMemory({ bytes: 0, threads: 1 }), { clock, threadNumber: 0 }),
    storeAnswers: undefined,
    keeper: new Keeper(),
    sharedStore: undefined,
    storeAllowances: undefined,
    openMemoryStore: () => Promise.reject(new StoreFailed('an explanation keeps nothing')),
    callHttp: () => Promise.reject(new HttpCallFailed('an explanation asks nobody')),
    findFunction: () => () => undefined,
    findCounter: () => undefined,
    policies: policyDefinitions,
    texts: {},
    addressLists,
    countries,
    contracts,
    board: new EndpointBoard(),
    endpoints: {},
    allowances: new SharedAllowances(provideAllowanceMemory(0), logger),
    quotas: new SharedQuotas(provideQuotaMemory(0), { threadNumber: 0, logger }),
    concurrency: new SharedConcurrency(provideConcurrencyMemory({ threads: 1, keysMax: 0 }), 0),
  };
}

function refuse(exchange: Exchange): void {
  rescue(exchange, gatewayErrors.internal({ reason: 'an explanation sends nothing' }));
}
