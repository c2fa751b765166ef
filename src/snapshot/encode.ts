/** A configuration is made ready for the data threads, by the control thread. */

import { Secret } from '#base/secret.ts';
import type { Configuration } from '#config/configuration.ts';
import { listRouteDefinitions } from '#config/route-definitions.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { type EncodedConfiguration, LINES_PER_STEP, SECRET_KEY } from './encoded-configuration.ts';
import { findPolicyNeeds } from './policy-needs.ts';

/** Yields between steps. */
export function* encodeConfiguration(
  configuration: Configuration,
  definitions: readonly PolicyDefinition[],
  hash = '',
): Generator<undefined, EncodedConfiguration, void> {
  const { services, routes, ...head } = configuration;
  const values: readonly unknown[] = [head, ...Object.entries(services), ...Object.entries(routes)];
  const lines: Buffer[] = [];
  for (const value of values) {
    lines.push(Buffer.from(JSON.stringify(value, revealSecrets)));
    if (lines.length % LINES_PER_STEP === 0) yield;
  }
  const routeImage = yield* writeRouteImage(yield* compileRoutes(listRouteDefinitions(configuration)));
  const { libraries, functions, counts } = yield* findPolicyNeeds(configuration, definitions);
  const serviceCount = Object.keys(services).length;
  return {
    ...joinLines(lines),
    hash,
    serviceCount,
    routeImage,
    allowanceKeysMax: counts.has('allowances') ? configuration.rateLimits.keys : 0,
    countsConcurrency: counts.has('concurrency'),
    countsQuotas: counts.has('quotas'),
    answerBytesMax: counts.has('answers') ? configuration.stores.cache.size : 0,
    libraries,
    functions,
  };
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
