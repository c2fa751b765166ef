import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { type ArrivedConfiguration, decodeConfiguration, encodeConfiguration } from '#snapshot/encoding.ts';

/** A configuration as a thread receives it. */
export function arrive(configuration: Configuration): ArrivedConfiguration {
  return runAtOnce(decodeConfiguration(runAtOnce(encodeConfiguration(configuration))));
}
