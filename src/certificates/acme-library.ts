/**
 * The library that speaks ACME, loaded when the first order needs it. It keeps the rules of the protocol: signatures, nonces,
 * accounts, orders. Its own way to the network and its own repetitions are replaced: it would wait for as long as a refusal
 * says, five times over, and forget why.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type * as AcmeClient from 'acme-client';
import { AcmeProblem } from './acme-problem.ts';
import type { AcmeTransport } from './acme-transport.ts';

export interface AcmeLibrary {
  readonly Client: typeof AcmeClient.Client;
  readonly crypto: typeof AcmeClient.crypto;
  /** What the action asks the library for goes through this transport. */
  through<Result>(transport: AcmeTransport, action: () => Promise<Result>): Promise<Result>;
}

/** The settings of the library are one for the whole process, so the transport is found by who asks. */
const transports = new AsyncLocalStorage<AcmeTransport>();

/** Loads the library, and once only. */
export async function loadAcmeLibrary(): Promise<AcmeLibrary> {
  const { default: library } = await import('acme-client');
  library.axios.defaults.adapter = async (config) => {
    const transport = transports.getStore();
    if (transport === undefined) throw new AcmeProblem('the library asked for something by itself');
    const body: unknown = config.data;
    const { status, headers, text } = await transport.send({
      url: config.url ?? '',
      method: config.method ?? 'get',
      headers: Object.fromEntries(Object.entries(config.headers.toJSON()).map(([name, value]) => [name, String(value)])),
      body: typeof body === 'string' ? body : undefined,
    });
    return { data: text, status, statusText: '', headers, config };
  };
  const { Client, crypto } = library;
  return { Client, crypto, through: (transport, action) => transports.run(transport, action) };
}
