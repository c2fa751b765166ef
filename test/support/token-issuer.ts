/** A real issuer of tokens for programs (oidc-provider), in this process and on a free port. */
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import Provider, { type ClientMetadata } from 'oidc-provider';
import { listenFor } from './listening-server.ts';

export interface TokenIssuer {
  readonly issuer: string;
  /** How many tokens were asked for. */
  readonly askedCount: () => number;
  /** For whom, and for what, it has issued a token; `undefined`: it has not. */
  find(token: string): Promise<{ readonly clientId: string | undefined; readonly scope: string | undefined } | undefined>;
}

/** Each client may ask for tokens in its own name. */
export async function startTokenIssuer(t: TestContext, clients: readonly ClientMetadata[]): Promise<TokenIssuer> {
  const server = createServer();
  const issuer = `http://127.0.0.1:${await listenFor(t, server)}`;
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      ...client,
    })),
    scopes: ['read', 'write'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ttl: { ClientCredentials: 600 },
  });
  // A socket of a client that has gone says so here, and nobody needs to hear it.
  provider.on('server_error', () => undefined);
  let asked = 0;
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.method === 'POST') asked += 1;
    void answer(request, response);
  });
  return {
    issuer,
    askedCount: () => asked,
    async find(token) {
      const found = await provider.ClientCredentials.find(token);
      return found && { clientId: found.clientId, scope: found.scope };
    },
  };
}
