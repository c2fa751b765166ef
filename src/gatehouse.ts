/** The library: the same gateway inside another program, started, stopped, or asked without sockets. */
import type { Compose, ComposedCall, ComposeInput, ComposeRequest } from '#aggregate/compose-function.ts';
import { systemClock } from '#base/clock.ts';
import { type Logger, silentLogger } from '#base/logger.ts';
import { defineGateway, type GatewayInput } from '#config/define-gateway.ts';
import { formatIssue, type Issue } from '#config/issue.ts';
import { loadConfiguration, loadConfigurationText, loadConfigurationValue } from '#config/load.ts';
import {
  type AggregateBuilder,
  aggregate,
  type Call,
  type CallReferences,
  defineService,
  forEach,
  type Operation,
  request,
} from '#config/typed/aggregate-builder.ts';
import { mapping } from '#config/typed/mapping-operators.ts';
import type { Given, Mapped, Ref, Reference, RequestText } from '#config/typed/reference.ts';
import type { InjectedAnswer, InjectedRequest } from '#http/inject.ts';
import { formatAddress } from '#net/address.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';

export type {
  AggregateBuilder,
  Call,
  CallReferences,
  Compose,
  ComposedCall,
  ComposeInput,
  ComposeRequest,
  GatewayInput,
  Given,
  InjectedAnswer,
  InjectedRequest,
  Issue,
  Logger,
  Mapped,
  Operation,
  Ref,
  Reference,
  RequestText,
};
export { aggregate, defineGateway, defineService, forEach, mapping, request };

export interface GatewayOptions {
  /** The configuration itself, or the path of its file. */
  readonly configuration: GatewayInput | string;
  /** Data threads; 0, the default here, serves in the calling thread, and only then `inject` works. */
  readonly threads?: number;
  /** Loads the configuration again when its file changes. Off by default here. */
  readonly watches?: boolean;
  /** What `${env:NAME}` sees; the process's environment when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where events go; nowhere when not given. */
  readonly logger?: Logger;
}

/** A configuration was refused: `issues` are its mistakes, `reasons` what else stood in the way. */
export class ConfigurationRefused extends Error {
  override readonly name = 'ConfigurationRefused';
  readonly issues: readonly Issue[];
  readonly reasons: readonly string[];

  constructor(issues: readonly Issue[], reasons: readonly string[]) {
    super([...issues.map(formatIssue), ...reasons].join('\n'));
    this.issues = issues;
    this.reasons = reasons;
  }
}

export interface Gateway {
  /** Opens the listeners. Resolves with their addresses by name; rejects with `ConfigurationRefused`. */
  start(): Promise<Readonly<Record<string, string>>>;
  /** Finishes running exchanges, up to the configured deadline, and closes everything. */
  stop(): Promise<void>;
  /** Loads the configuration again. Rejects with `ConfigurationRefused`; then nothing has changed. */
  reload(): Promise<void>;
  /** Sends a request through the gateway without a socket, started or not. Needs `threads: 0`. */
  inject(request: InjectedRequest): Promise<InjectedAnswer>;
}

/** Makes a gateway. Nothing runs before `start` or the first `inject`. */
export function createGateway(options: GatewayOptions): Gateway {
  const { configuration, threads = 0, watches = false, logger = silentLogger } = options;
  const loadOptions = { policies: policyOrder, env: options.env ?? process.env };
  const control = new Control({
    clock: systemClock,
    logger,
    load: () =>
      typeof configuration === 'string'
        ? loadConfiguration(configuration, loadOptions)
        : loadConfigurationValue(configuration, process.cwd(), loadOptions),
    loadText: (text) =>
      loadConfigurationText(text, typeof configuration === 'string' ? configuration : 'configuration', loadOptions),
    threads,
    watches: watches && typeof configuration === 'string',
    file: typeof configuration === 'string' ? configuration : undefined,
  });
  return {
    async start() {
      const started = await control.start();
      if ('issues' in started) throw new ConfigurationRefused(started.issues, started.reasons);
      return Object.fromEntries(
        started.listening.map(({ name, address, scheme }) => [
          name,
          'path' in address ? formatAddress(address) : `${scheme}://${formatAddress(address)}`,
        ]),
      );
    },
    stop: () => control.drain(),
    async reload() {
      const refusal = await control.reload();
      if (refusal !== undefined) throw new ConfigurationRefused(refusal.issues, refusal.reasons);
    },
    async inject(request) {
      const prepared = await control.prepareInjection();
      if ('issues' in prepared) throw new ConfigurationRefused(prepared.issues, prepared.reasons);
      return prepared.inject(request);
    },
  };
}
