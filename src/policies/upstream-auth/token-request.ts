/** Asks an issuer for a token in the gateway's own name (RFC 6749 §4.4). */
import type { Clock } from '#base/clock.ts';
import type { Secret } from '#base/secret.ts';
import { readSigningKey } from '#base/signing-key.ts';
import { addClientProof } from '#net/client-authentication.ts';
import { type CallHttp, HttpCallFailed } from '#net/http-call.ts';
import { fetchIssuerDocument, readTrustedUrl } from '#net/issuer-document.ts';
import type { TokenSettings } from './config.ts';
import { type IssuedToken, readTokenAnswer } from './token-answer.ts';

const ANSWER_BYTES_MAX = 64 * 1_024;
/** RFC 7523 §3: short, since it is used once. */
const ASSERTION_SECONDS = 60;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface TokenRequestMeans {
  readonly clock: Clock;
  readonly callHttp: CallHttp;
  /** The text of the file that the settings name. */
  readonly ca: string | undefined;
}

export class TokenRequest {
  readonly #settings: TokenSettings;
  readonly #means: TokenRequestMeans;
  /** Of the issuer's document; asked for again when a token could not be had. */
  #tokenEndpoint: string | undefined = undefined;

  constructor(settings: TokenSettings, means: TokenRequestMeans) {
    this.#settings = settings;
    this.#means = means;
  }

  /** For logs. */
  get server(): string {
    const { server } = this.#settings;
    return 'issuer' in server ? server.issuer : server.tokenEndpoint;
  }

  /** A text says why there is none. Takes as long as the settings allow, at most. */
  async send(): Promise<IssuedToken | string> {
    const startMs = this.#means.clock.monotonicMs();
    const issued = await this.#trySend(startMs);
    if (typeof issued === 'string') this.#tokenEndpoint = undefined;
    return issued;
  }

  async #trySend(startMs: number): Promise<IssuedToken | string> {
    try {
      const found = await this.#findEndpoint(startMs);
      if (typeof found === 'string') return found;
      const { headers, form } = this.#toMessage(found.tokenEndpoint);
      return readTokenAnswer(
        await this.#call(startMs, {
          url: found.tokenEndpoint,
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
          body: form.toString(),
        }),
      );
    } catch (error) {
      if (error instanceof HttpCallFailed) return error.message;
      // Perhaps nobody waits for it, and then nobody would catch it. Messages of others may hold what was sent.
      return `the call cannot be made: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`;
    }
  }

  async #findEndpoint(startMs: number): Promise<{ readonly tokenEndpoint: string } | string> {
    const { server } = this.#settings;
    if (!('issuer' in server)) return server;
    if (this.#tokenEndpoint !== undefined) return { tokenEndpoint: this.#tokenEndpoint };
    const document = await fetchIssuerDocument(server.issuer, (url) => this.#call(startMs, { url }));
    if (typeof document === 'string') return document;
    const tokenEndpoint = readTrustedUrl(document, 'token_endpoint');
    if (tokenEndpoint === undefined) return 'the document of the issuer has no usable `token_endpoint`';
    this.#tokenEndpoint = tokenEndpoint;
    return { tokenEndpoint };
  }

  #call(
    startMs: number,
    call: {
      readonly url: string;
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    },
  ): ReturnType<CallHttp> {
    const { timeout } = this.#settings;
    const leftMs = timeout - (this.#means.clock.monotonicMs() - startMs);
    return this.#means.callHttp({
      ...call,
      headers: { accept: 'application/json', ...call.headers },
      timeoutMs: Math.max(1, Math.ceil(leftMs)),
      bytesMax: ANSWER_BYTES_MAX,
      ca: this.#means.ca,
    });
  }

  #toMessage(tokenEndpoint: string): { readonly headers: Readonly<Record<string, string>>; readonly form: URLSearchParams } {
    const { clientId, proof, scopes, audience, resource } = this.#settings;
    const scope = scopes?.join(' ');
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    for (const [name, value] of Object.entries({ scope, audience, resource })) if (value !== undefined) form.set(name, value);
    if (proof.kind === 'secret') return { headers: addClientProof(form, { clientId, ...proof }), form };
    form.set('client_id', clientId);
    form.set('client_assertion_type', ASSERTION_TYPE);
    form.set('client_assertion', this.#toAssertion(proof.key, tokenEndpoint));
    return { headers: {}, form };
  }

  /** RFC 7523 §3. */
  #toAssertion(key: Secret, tokenEndpoint: string): string {
    const { clientId, keyId, server } = this.#settings;
    const nowSeconds = Math.floor(this.#means.clock.wallMs() / 1_000);
    const claims = {
      iss: clientId,
      sub: clientId,
      // Who issues says more than where it is asked: an endpoint that was named by a forged document learns nothing that others take.
      aud: 'issuer' in server ? server.issuer : tokenEndpoint,
      iat: nowSeconds,
      exp: nowSeconds + ASSERTION_SECONDS,
      jti: process.getBuiltinModule('node:crypto').randomUUID(),
    };
    return readSigningKey(key.reveal())!.sign(claims, keyId);
  }
}
