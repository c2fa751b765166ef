/** The contract between a policy and the gateway: what a policy declares, and the phases it may take part in. */

import type { Allowances, StoreAllowances } from '#base/allowances.ts';
import type { AnswerStore } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { ConcurrencyLimits } from '#base/concurrency-limits.ts';
import type { ErrorFactory, GatewayError } from '#base/errors.ts';
import type { Keeper } from '#base/keeper.ts';
import type { KeyValueStore } from '#base/key-value-store.ts';
import type { Library } from '#base/library.ts';
import type { Logger } from '#base/logger.ts';
import type { Quotas } from '#base/quotas.ts';
import type { AnswerStage } from '#http/answer-stage.ts';
import type { Consumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { CallHttp } from '#net/http-call.ts';
import type { ConfigSchema } from '#schema/config-schema.ts';
import type { ConsumerDirectory } from './consumer-directory.ts';
import type { CallService } from './service-call.ts';
import type { TokenKeys } from './token-keys.ts';

/** `undefined`: go on. A reply: answer now. An error: refuse. */
export type PhaseResult = undefined | Reply | GatewayError;

/**
 * What a policy does for one exchange, by phase. A phase that is left out costs nothing. Phases are synchronous unless
 * they must wait; only the head phases may.
 */
export interface PolicyPhases {
  /** After the route is known, before anything is sent anywhere. */
  requestHead?(exchange: Exchange): PhaseResult | Promise<PhaseResult>;
  /** When every policy let the request pass: a chance to answer without an upstream. */
  localAnswer?(exchange: Exchange): PhaseResult | Promise<PhaseResult>;
  /**
   * Per piece of the request body, as the client sends it: an error refuses. Who changes the body, or has to see all of it
   * first, does so in a head phase: `Exchange.bodyStage`, `readRequestBody`.
   */
  requestChunk?(exchange: Exchange, chunk: Buffer): undefined | GatewayError;
  /** Per attempt, just before the request is sent: changes only what the upstream sees. */
  upstreamRequest?(exchange: Exchange, request: UpstreamRequest): void;
  /** Per attempt, when the upstream's answer begins. */
  upstreamResponseHead?(exchange: Exchange, response: ResponseHead): void;
  /** Once per answer to the client, also for our own answers and errors. */
  responseHead?(exchange: Exchange, response: ResponseHead): void;
  /**
   * Behind its own `responseHead`, also for our own answers and errors (`exchange.error`): what takes the answer from here on
   * its way to the client, and decides what goes on and when. `undefined`: this answer passes by.
   */
  answerStage?(exchange: Exchange, response: ResponseHead): AnswerStage | undefined;
  /** Once, when everything is over. Observes only. */
  finish?(exchange: Exchange): void;
  /** Parameters of the query that hold credentials. Whatever becomes of a request, logs do not show them. */
  readonly queryCredentials?: readonly QueryCredential[];
}

export interface QueryCredential {
  readonly name: string;
  /** Whether services see it. */
  readonly forward: boolean;
}

/** `answers` are kept more than counted; what they need comes on the same way. */
export type CountingKind = 'allowances' | 'concurrency' | 'quotas' | 'answers';

/** What a policy may ask of the gateway when it is made. */
export interface PolicyServices {
  readonly clock: Clock;
  readonly logger: Logger;
  /** At least 0 and below 1. For chances, not for secrets. */
  readonly random: () => number;
  /** Those of the configuration that the policy is made for. */
  readonly consumers: ConsumerDirectory;
  /** Runs something once when the time has passed; what is returned calls it off. The policy calls it off when its exchange ends. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** The lists of `addressListSettings` as `AddressRanges` reads them, by the path of their file. */
  readonly addressLists: Readonly<Record<string, ArrayBufferLike>>;
  /** The texts of `fileSettings` by the path of their file. */
  readonly texts: Readonly<Record<string, string>>;
  /** What `contractSettings` name, as `ContractImage` reads it, by `toContractKey`. */
  readonly contracts: Readonly<Record<string, ArrayBufferLike>>;
  /** Which country addresses belong to, as `CountryTable` reads it; `undefined` where no database is named. */
  readonly countries: ArrayBufferLike | undefined;
  /** Where it is counted who does something how often. */
  readonly allowances: Allowances;
  /** Where it is counted who does how much at the same time. */
  readonly concurrency: ConcurrencyLimits;
  /** Where it is counted who does how much in days, weeks and months. */
  readonly quotas: Quotas;
  /** Where answers of services are kept for requests to come. It outlives a configuration. */
  readonly answers: AnswerStore;
  /** The same in the store of `stores` in the configuration, where there is one, with `answers` in front. */
  readonly storeAnswers: AnswerStore | undefined;
  /** What outlives a configuration, such as keys that were fetched: a reload fetches nothing anew. */
  readonly keeper: Keeper;
  /** The store of `stores` in the configuration, where there is one. Its calls fail with `StoreFailed`, and never later than its time-out says. */
  readonly sharedStore: KeyValueStore | undefined;
  /** The store in the memory of the process, in which all of its threads keep things together. It is made when it is first asked for. */
  readonly openMemoryStore: () => Promise<KeyValueStore>;
  /** The same as `sharedStore`, for counts that gateways share. */
  readonly storeAllowances: StoreAllowances | undefined;
  /** What tokens of the gateway are signed with, where the configuration has keys. */
  readonly tokenKeys: TokenKeys | undefined;
  /** Calls a server that is no service of the configuration. */
  readonly callHttp: CallHttp;
  /** Asks a service of the configuration, for an exchange that waits. */
  readonly callService: CallService;
  /** Where the settings stand: the same for as long as they stay there, whatever else is configured. */
  readonly place: string;
}

/** As much of an exchange as there is also of a request that is only explained. */
export interface KeyedRequest {
  readonly plan?: { readonly routeName: string | undefined } | undefined;
  readonly request: { readonly clientAddress: string; readonly fields: readonly string[] };
  /** Values of the route's path captures. */
  readonly captureNames: readonly string[];
  readonly captures: readonly string[];
  readonly consumer: Pick<Consumer, 'name' | 'claims'> | undefined;
  /** First value of a request field, `host` included. */
  field(name: string): string | undefined;
}

/** What explanations may look at besides. */
export type ExplainingServices = Pick<PolicyServices, 'addressLists' | 'countries' | 'contracts'>;

/** As much of a request as is known without one. */
export interface ExplainedRequest {
  readonly clientAddress: string;
  readonly method: string;
  /** Normalised. */
  readonly path: string;
  readonly query: string;
  readonly exchange: KeyedRequest;
}

export interface PolicyLibrary<Config> {
  readonly library: Library;
  /** Without it, whatever the settings are. */
  isNeeded?(config: Config): boolean;
}

export interface PolicyDefinition<Name extends string = string, Config = unknown> {
  readonly name: Name;
  /** One sentence for lists and the reference page. */
  readonly summary: string;
  /** The schema of its settings. Data threads never ask for it: they are given settings that have been validated. */
  loadConfig(): Promise<ConfigSchema<Config>>;
  readonly errors: Readonly<Record<string, ErrorFactory>>;
  /**
   * Names of settings that hold the name of a service, or a map from such names, so that the configuration is refused where
   * there is none.
   */
  readonly serviceSettings?: readonly string[];
  /** The same for names of consumers. */
  readonly consumerSettings?: readonly string[];
  /** Settings that need `tokenKeys`, as paths such as `services.*.mint`, in which `*` is any name. */
  readonly signingSettings?: readonly string[];
  /** Settings that may name a store, as paths such as `session.store`, so that the configuration is refused where there is none. */
  readonly storeSettings?: readonly string[];
  /** What it counts in: a configuration is given only what its policies need. */
  readonly counts?: CountingKind;
  /** Names of settings that are lists, in which `{ file: PATH }` stands for the addresses in a file. */
  readonly addressListSettings?: readonly string[];
  /** Names of settings that name countries, so that there has to be a database that tells them. */
  readonly countrySettings?: readonly string[];
  /** Names of settings that hold an expression, which is checked when the configuration is. */
  readonly expressionSettings?: readonly string[];
  /**
   * Names of validated settings in which, at any depth, `{ file: PATH }` stands for the text of a file. With `form` beside it,
   * the configuration is refused where the file is something else.
   */
  readonly fileSettings?: readonly string[];
  /** Names of validated settings that hold a `ContractSource`: a document or a schema that messages are compared with. */
  readonly contractSettings?: readonly string[];
  /** Policies that stand in its settings: each item of the list `setting` is a map of them by name. */
  readonly nested?: { readonly setting: string; readonly policies: readonly PolicyDefinition[] };
  /** What is loaded before it is made: it can be used at once, and no request waits for it. */
  readonly libraries?: readonly PolicyLibrary<Config>[];
  /** A preflight of a browser belongs to the route of the request that it asks for, where that has such a policy. */
  readonly answersPreflights?: boolean;
  /** Those of the gateway or of a listener also act where a request has no route. */
  readonly coversMissingRoutes?: boolean;
  /**
   * Paths that the policy answers itself in `requestHead`. Where it stands at the gateway or at a listener, requests to them come
   * to it also if no route takes them.
   */
  ownPaths?(config: Config): readonly string[];
  /** What these settings do, in a few words, for explanations. */
  describe?(config: Config): string;
  /** What these settings decide about a request, for explanations. */
  explain?(config: Config, request: ExplainedRequest, services: ExplainingServices): string;
  /**
   * Runs once per snapshot and place of use, with a validated configuration, and cannot fail: for the gateway and its
   * listeners when the snapshot is made, for a route while its first request waits.
   */
  create(config: Config, services: PolicyServices): PolicyPhases;
}

export function definePolicy<const Name extends string, Config>(
  definition: PolicyDefinition<Name, Config>,
): PolicyDefinition<Name, Config> {
  return definition;
}
