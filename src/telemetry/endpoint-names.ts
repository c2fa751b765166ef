/** What spans say of endpoints, remembered by their URLs: to read one costs as much as to write a span. */
import { limits } from '#base/limits.ts';

const defaultPorts = { http: 80, https: 443 } as const;

export interface EndpointName {
  readonly host: string;
  readonly port: number | undefined;
  /** What URLs begin with; `undefined`: there are none of a socket file. */
  readonly origin: string | undefined;
}

export class EndpointNames {
  readonly #known = new Map<string, EndpointName>();

  find(url: string): EndpointName {
    const known = this.#known.get(url);
    if (known !== undefined) return known;
    // Endpoints that are gone are among them; those that are there are soon known again.
    if (this.#known.size >= limits.endpointsMax) this.#known.clear();
    const name = readName(url);
    this.#known.set(url, name);
    return name;
  }
}

function readName(endpoint: string): EndpointName {
  const url = URL.parse(endpoint);
  // A socket file.
  if (url === null || url.hostname === '') return { host: endpoint, port: undefined, origin: undefined };
  const port = url.port === '' ? defaultPorts[url.protocol === 'https:' ? 'https' : 'http'] : Number(url.port);
  return { host: url.hostname, port, origin: `${url.protocol}//${url.host}` };
}
