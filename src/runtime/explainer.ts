/**
 * Explains requests by the present configuration, in the control thread. A configuration is compiled for this when the first one
 * asks, and given up when nobody has asked for a while: a large one takes memory, and most are never asked.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { SecretNames } from '#http/secret-names.ts';
import {
  HIDDEN,
  hideSecrets,
  listHiddenValues,
  listSecretParameters,
  listSecretValues,
  toShownFields,
} from '#http/shown-request.ts';
import { findCredentialNames } from './credential-places.ts';
import {
  type ExplainedConfiguration,
  explainIn,
  prepareExplaining,
  type RequestExplanation,
  type RequestToExplain,
} from './explain-request.ts';
import type { ExchangeSeen } from './watching-messages.ts';

const KEPT_MS = 60_000;

export interface ExplainerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The present one. */
  findConfiguration(): Configuration | undefined;
}

interface Prepared {
  readonly configuration: Configuration;
  readonly explained: Promise<ExplainedConfiguration | string>;
}

export class Explainer {
  readonly #options: ExplainerOptions;
  #prepared: Prepared | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Looking through a large configuration takes a while. */
  readonly #names = new WeakMap<Configuration, SecretNames>();

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /** A text says why it cannot be explained. */
  async explain(request: RequestToExplain): Promise<RequestExplanation | string> {
    const prepared = await this.#prepare();
    return typeof prepared === 'string' ? prepared : explainIn(prepared, request);
  }

  /** What has become of an exchange, and why, without anything that is secret. */
  async explainSeen({ record, request }: ExchangeSeen): Promise<Readonly<Record<string, unknown>>> {
    if (request === undefined) return { live: record };
    const { method, url, listener, clientAddress } = request;
    const { headers } = request;
    const explanation = await this.explain({ method, url, headers, listener, clientAddress });
    const fields = headers.flat();
    const names = this.#findSecretNames();
    // A reason may name what a condition has looked at.
    const secrets = [...listSecretValues(fields, names), ...listSecretParameters(url, names)];
    const shown = hideSecrets(typeof explanation === 'string' ? { unexplained: explanation } : explanation, secrets);
    const hidden = hideDetails(shown, listHiddenValues(fields), names);
    return { ...hidden, ...hideTarget(shown, record.target), fields: toShownFields(fields), live: record };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#prepared = undefined;
  }

  #findSecretNames(): SecretNames {
    const configuration = this.#options.findConfiguration();
    if (configuration === undefined) return new SecretNames();
    const names = this.#names.get(configuration) ?? new SecretNames(findCredentialNames(configuration));
    this.#names.set(configuration, names);
    return names;
  }

  async #prepare(): Promise<ExplainedConfiguration | string> {
    const { clock, logger, findConfiguration } = this.#options;
    const configuration = findConfiguration();
    if (configuration === undefined) return 'there is no configuration';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), KEPT_MS).unref();
    if (this.#prepared?.configuration !== configuration)
      this.#prepared = { configuration, explained: prepareExplaining(configuration, { clock, logger }) };
    const { explained } = this.#prepared;
    try {
      return await explained;
    } catch (error) {
      if (this.#prepared?.explained === explained) this.#prepared = undefined;
      logger.log('error', 'configuration cannot be explained', { error });
      return 'the configuration cannot be explained; the log says why';
    }
  }
}

type Shown = RequestExplanation | { readonly unexplained: string };

/** What policies say of a request may name the field that they count it by, or look for it by. */
function hideDetails(shown: Shown, values: readonly string[], names: SecretNames): object {
  if (!('route' in shown)) return shown;
  const { route } = shown;
  const nearMisses = shown.nearMisses.map((miss) => ({ ...miss, because: hideWish(miss.because, names) }));
  return { ...shown, nearMisses, route: route && { ...route, details: hideSecrets(route.details, values) } };
}

/** Who does not know the configuration is not told which secret would have led to another route. */
function hideWish(because: string, names: SecretNames): string {
  const [, kind, name] = /^(header|query parameter|cookie) '([^']*)'/.exec(because) ?? [];
  if (name === undefined || (kind !== 'cookie' && !names.isField(name) && !names.isParameter(name))) return because;
  return because.replace(/, wants .*$/s, `, wants ${HIDDEN}`);
}

/** The target as logs show it, whatever an explanation has looked at. */
function hideTarget(shown: Shown, target: string): object {
  if (!('request' in shown)) return {};
  const question = target.indexOf('?');
  return { request: { ...shown.request, target, query: question < 0 ? '' : target.slice(question + 1) } };
}
