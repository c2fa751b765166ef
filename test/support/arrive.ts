import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { type ArrivedConfiguration, decodeConfiguration } from '#snapshot/arrived-configuration.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';

/** A configuration as a thread receives it. */
export function arrive(configuration: Configuration): ArrivedConfiguration {
  return runAtOnce(decodeConfiguration(runAtOnce(encodeConfiguration(configuration, []))));
}
