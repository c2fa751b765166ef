/** What a collector is told of this process: the same with traces as with logs, so that it knows that they belong together. */
import { hostname } from 'node:os';

export class ProcessDescription {
  /** Made when somebody first asks: most gateways tell no collector anything. */
  #attributes: Readonly<Record<string, string>> | undefined;

  get attributes(): Readonly<Record<string, string>> {
    this.#attributes ??= {
      'service.name': 'gatehouse',
      'service.instance.id': crypto.randomUUID(),
      'host.name': hostname(),
      'process.pid': String(process.pid),
      'telemetry.sdk.name': 'gatehouse',
      'telemetry.sdk.language': 'nodejs',
    };
    return this.#attributes;
  }
}
