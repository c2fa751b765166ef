/** A configuration is made ready for the data threads, by the control thread. */

import { Secret } from '#base/secret.ts';
import type { Configuration } from '#config/configuration.ts';
import { listRouteDefinitions } from '#config/route-definitions.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { type EncodedConfiguration, LINES_PER_STEP, SECRET_KEY } from './encoded-configuration.ts';
import { listLibraries } from './policy-libraries.ts';

/** Yields between steps. */
export function* encodeConfiguration(
  configuration: Configuration,
  definitions: readonly PolicyDefinition[],
): Generator<undefined, EncodedConfiguration, void> {
  const { services, routes, ...head } = configuration;
  const values: readonly unknown[] = [head, ...Object.entries(services), ...Object.entries(routes)];
  const lines: Buffer[] = [];
  for (const value of values) {
    lines.push(Buffer.from(JSON.stringify(value, revealSecrets)));
    if (lines.length % LINES_PER_STEP === 0) yield;
  }
  const routeImage = yield* writeRouteImage(yield* compileRoutes(listRouteDefinitions(configuration)));
  const serviceCount = Object.keys(services).length;
  return {
    ...joinLines(lines),
    serviceCount,
    routeImage,
    allowanceKeysMax: countsAllowances(configuration) ? configuration.rateLimits.keys : 0,
    countsConcurrency: usesPolicy(configuration, 'concurrency'),
    countsQuotas: usesPolicy(configuration, 'quota'),
    libraries: yield* listLibraries(configuration, definitions),
  };
}

/** Signed requests are counted too, so that each comes once. */
function countsAllowances(configuration: Configuration): boolean {
  return usesPolicy(configuration, 'rate-limit') || usesPolicy(configuration, 'hmac');
}

/** The gateway, a listener or a route has settings of this policy, also as one of several methods. */
export function usesPolicy({ policies, listeners, routes }: Configuration, name: string): boolean {
  const places = [{ policies }, ...Object.values(listeners), ...Object.values(routes)];
  return places.some((place) => names(place.policies, name));
}

function names(blocks: Readonly<Record<string, unknown>> = {}, name: string): boolean {
  if ((blocks[name] ?? false) !== false) return true;
  const anyOf = blocks['any-of'] as { readonly methods?: readonly Readonly<Record<string, unknown>>[] } | false | undefined;
  return anyOf !== undefined && anyOf !== false && (anyOf.methods ?? []).some((method) => names(method, name));
}

function joinLines(written: readonly Buffer[]): Pick<EncodedConfiguration, 'lines' | 'lineEnds'> {
  const lines = new SharedArrayBuffer(written.reduce((sum, line) => sum + line.length, 0));
  const bytes = Buffer.from(lines);
  const lineEnds = new Uint32Array(new SharedArrayBuffer(written.length * Uint32Array.BYTES_PER_ELEMENT));
  let end = 0;
  for (const [index, line] of written.entries()) {
    bytes.set(line, end);
    end += line.length;
    lineEnds[index] = end;
  }
  return { lines, lineEnds };
}

/** `JSON.stringify` hands over what `toJSON` made of a value; the value itself is still in its holder. */
function revealSecrets(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Secret ? { [SECRET_KEY]: original.reveal() } : value;
}
