/** The configuration that a thread serves by, and how another takes its place: made ready beside it, then swapped in one step. */
import { CallCounts } from '#aggregate/call-counts.ts';
import type { AnswerPurge } from '#base/answer-store.ts';
import { createChanceSource } from '#base/chance.ts';
import { Keeper } from '#base/keeper.ts';
import { runInSlices } from '#base/slices.ts';
import type { CredentialNames } from '#http/secret-names.ts';
import { callHttp } from '#net/http-call.ts';
import { NameResolver } from '#net/name-resolver.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { EndpointList, EndpointLists } from '#services/endpoint-list.ts';
import type { Service } from '#services/service.ts';
import { decodeConfiguration } from '#snapshot/arrived-configuration.ts';
import { compileSnapshot, type SnapshotMeans } from '#snapshot/compile.ts';
import type { EncodedConfiguration } from '#snapshot/encoded-configuration.ts';
import { loadLibraries } from '#snapshot/policy-needs.ts';
import type { Snapshot } from '#snapshot/snapshot.ts';
import type { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { toCallKey } from './aggregate-side.ts';
import { loadFunctions } from './compose-functions.ts';
import { Counting, type CountingMemory, type CountingThread, type PreparedCounting, toCountingServices } from './counting.ts';
import type { ConfigurationFiles } from './named-files.ts';
import type { Rehearsal } from './rehearsal.ts';
import { toResolverOptions } from './resolver-options.ts';

/** What a thread has whatever it serves. */
export interface ServingThread
  extends CountingThread,
    Pick<SnapshotMeans, 'meter' | 'board' | 'nextRequestId' | 'wheel' | 'mirrors' | 'buffers' | 'frames' | 'turnEnd'> {
  /** Takes requests that policies make themselves. */
  readonly target: SnapshotMeans['gateway'];
  readonly rehearsal?: Rehearsal | undefined;
}

/** What a configuration names, besides itself. */
export interface ConfigurationSupplies extends CountingMemory {
  readonly files: ConfigurationFiles;
  readonly endpoints: EndpointLists;
  /** Whose values are not shown to anybody. */
  readonly credentialNames: CredentialNames;
}

/** What a thread could serve by at once. */
export interface PreparedSnapshot {
  readonly snapshot: Snapshot;
  readonly resolver: NameResolver;
  readonly resolverDefinition: string;
  readonly endpoints: EndpointLists;
  readonly counting: PreparedCounting;
}

export class ServedSnapshot {
  readonly #thread: ServingThread;
  readonly #policies: readonly PolicyDefinition[];
  readonly #random = createChanceSource();
  readonly #keeper = new Keeper();
  readonly #counting: Counting;
  #resolver: NameResolver | undefined;
  #resolverDefinition = '';
  #snapshot: Snapshot | undefined;
  /** Lists that came since the present snapshot, by service: what is being prepared does not know them. */
  readonly #laterLists = new Map<string, EndpointList>();

  constructor(thread: ServingThread) {
    this.#thread = thread;
    this.#policies = thread.rehearsal?.policies ?? policyDefinitions;
    this.#counting = new Counting(thread);
  }

  /** `undefined` until there is a configuration. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#counting.allowanceMemory;
  }

  /** What answers are kept in; `undefined` where none are. */
  get answers(): SharedAnswers | undefined {
    return this.#counting.answers;
  }

  /** Makes services in slices. Nothing has changed until `commit`. */
  async prepare(encoded: EncodedConfiguration, supplies: ConfigurationSupplies): Promise<PreparedSnapshot> {
    const { clock } = this.#thread;
    await loadLibraries(encoded.libraries, this.#policies);
    const arrived = await runInSlices(decodeConfiguration(encoded), clock);
    const { settings } = arrived;
    const resolverOptions = toResolverOptions(settings);
    const resolverDefinition = JSON.stringify(resolverOptions);
    const isSameResolver = resolverDefinition === this.#resolverDefinition;
    const resolver = isSameResolver ? this.#resolver! : new NameResolver(resolverOptions, clock);
    // Services keep the resolver that they were made with: where that changes, they are made anew.
    const previous = isSameResolver ? this.#snapshot : undefined;
    const { files, endpoints } = supplies;
    const storeMeans = { ...this.#thread, resolver, resolverDefinition, texts: files.texts };
    const counting = await this.#counting.prepare(encoded, settings, { memory: supplies, storeMeans });
    try {
      const findFunction = await loadFunctions(encoded.functions, files.texts);
      const means = {
        ...this.#toMeans(supplies, resolver),
        ...toCountingServices(counting),
        findFunction,
        findCounter: toCounters(supplies),
      };
      const snapshot = await runInSlices(compileSnapshot(arrived, previous, means), clock);
      return { snapshot, resolver, resolverDefinition, endpoints, counting };
    } catch (error) {
      this.#counting.abandon(counting);
      throw error;
    }
  }

  /** Swaps to what was prepared. Returns services that are gone: they are to be closed behind their listeners. */
  commit({ snapshot, resolver, resolverDefinition, endpoints, counting }: PreparedSnapshot): Service[] {
    this.#counting.commit(counting);
    this.#resolver = resolver;
    this.#resolverDefinition = resolverDefinition;
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    for (const [name, list] of Object.entries(endpoints)) this.#setEndpoints(name, list);
    for (const [name, list] of this.#laterLists) this.#setEndpoints(name, list);
    this.#laterLists.clear();
    return [...(before?.services ?? [])].flatMap(([name, service]) => (snapshot.services.get(name) === service ? [] : [service]));
  }

  /** Gives up what was prepared. */
  abandon({ counting }: PreparedSnapshot): void {
    this.#counting.abandon(counting);
  }

  /** A service has other endpoints than before. */
  setEndpoints(service: string, list: EndpointList): void {
    this.#laterLists.set(service, list);
    this.#setEndpoints(service, list);
  }

  /** Throws answers out of the store that gateways share; whether it could. */
  async purgeStore(what: AnswerPurge): Promise<boolean> {
    return (await this.#counting.storeAnswers?.purgeStore(what)) ?? true;
  }

  /** Notes how much services have to do, for metrics. */
  lookAtLoad(): void {
    for (const service of this.#snapshot?.services.values() ?? []) service.lookAtLoad();
  }

  close(): void {
    for (const service of this.#snapshot?.services.values() ?? []) service.close();
    this.#counting.close();
    this.#resolver?.close();
  }

  #setEndpoints(service: string, list: EndpointList): void {
    try {
      this.#snapshot?.services.get(service)?.setEndpoints(list);
    } catch (error) {
      this.#thread.logger.log('error', 'endpoints cannot be used', { service, error });
    }
  }

  #toMeans(
    { files, endpoints }: ConfigurationSupplies,
    resolver: NameResolver,
  ): Omit<SnapshotMeans, keyof ReturnType<typeof toCountingServices> | 'findFunction' | 'findCounter'> {
    const { clock, logger, meter, board, target, nextRequestId, wheel, mirrors, buffers, frames, turnEnd, rehearsal } =
      this.#thread;
    return {
      clock,
      logger,
      meter,
      random: this.#random,
      later: rehearsal?.later ?? startTimer,
      keeper: this.#keeper,
      gateway: target,
      nextRequestId,
      callHttp: rehearsal?.callHttp ?? callHttp,
      wheel,
      mirrors,
      buffers,
      frames,
      turnEnd,
      resolver,
      upstreamStub: rehearsal?.upstreams,
      policies: this.#policies,
      board,
      texts: files.texts,
      addressLists: files.addressLists,
      countries: files.countries,
      contracts: files.contracts,
      endpoints,
    };
  }
}

function toCounters({ callCounts }: ConfigurationSupplies): SnapshotMeans['findCounter'] {
  if (callCounts === undefined) return () => undefined;
  const counts = new CallCounts(callCounts.memory);
  return (route, call) => {
    const slot = callCounts.slots[toCallKey(route, call)];
    return slot === undefined ? undefined : counts.counterAt(slot);
  };
}

/** For policies that delay on purpose: finer than the wheel, whose ticks are too far apart for delays that somebody measures. */
function startTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
