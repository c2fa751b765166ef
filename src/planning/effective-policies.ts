/** Which policies apply where, after the gateway, listeners and routes have had their word. */
import type { Configuration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import { toComparableText } from './value-differences.ts';

export interface EffectivePolicy {
  /** `undefined`: it does not apply. */
  readonly block: unknown;
  /** Who has the last word on it; `undefined`: nobody says anything. */
  readonly from: 'gateway' | 'listener' | 'route' | undefined;
  readonly path: IssuePath;
}

/** A block is the same object wherever it applies, so its text is made once. */
export class EffectivePolicies {
  readonly #configuration: Configuration;
  readonly #texts = new WeakMap<object, string>();

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  /** `listener`: one with policies of its own; `undefined`: any other. */
  find(policy: string, route: string, listener: string | undefined): EffectivePolicy {
    const { routes, listeners, policies } = this.#configuration;
    const own = routes[route]?.policies?.[policy];
    if (own !== undefined) return { block: toBlock(own), from: 'route', path: ['routes', route, 'policies', policy] };
    const atListener = listener === undefined ? undefined : listeners[listener]?.policies?.[policy];
    if (atListener !== undefined)
      return { block: toBlock(atListener), from: 'listener', path: ['listeners', listener ?? '', 'policies', policy] };
    const atGateway = policies?.[policy];
    return { block: toBlock(atGateway), from: atGateway === undefined ? undefined : 'gateway', path: ['policies', policy] };
  }

  /** Names of all policies that anybody speaks of for a route. */
  namesFor(route: string, listener: string | undefined): string[] {
    const { routes, listeners, policies } = this.#configuration;
    const blocks = [routes[route]?.policies, listener === undefined ? undefined : listeners[listener]?.policies, policies];
    return [...new Set(blocks.flatMap((block) => Object.keys(block ?? {})))];
  }

  /** The same for two blocks that are. */
  textOf(block: unknown): string {
    if (typeof block !== 'object' || block === null) return toComparableText(block);
    const known = this.#texts.get(block);
    if (known !== undefined) return known;
    const text = toComparableText(block);
    this.#texts.set(block, text);
    return text;
  }

  /** All that applies to a route, as one text. */
  textFor(route: string, listener: string | undefined): string {
    return this.namesFor(route, listener)
      .sort()
      .map((name) => [name, this.find(name, route, listener).block] as const)
      .filter(([, block]) => block !== undefined)
      .map(([name, block]) => `${name} ${this.textOf(block)}`)
      .join('\n');
  }
}

function toBlock(written: unknown): unknown {
  return written === false ? undefined : written;
}

/** Listeners of both that say something about policies themselves, and `undefined` for all others. */
export function listPolicyPlaces(old: Configuration, present: Configuration): (string | undefined)[] {
  const hasPolicies = ({ listeners }: Configuration, name: string) => Object.keys(listeners[name]?.policies ?? {}).length > 0;
  const inBoth = Object.keys(present.listeners).filter((name) => Object.hasOwn(old.listeners, name));
  return [undefined, ...inBoth.filter((name) => hasPolicies(old, name) || hasPolicies(present, name))];
}
