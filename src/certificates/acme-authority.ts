/** An ACME authority (RFC 8555) as the keeper of certificates needs it: order a certificate, ask when to renew one. */
import type * as AcmeClient from 'acme-client';
import type { Clock } from '#base/clock.ts';
import { toDirectoryUrl } from '#config/acme-directories.ts';
import type { AcmeConfiguration } from '#config/configuration.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { type AcmeLibrary, loadAcmeLibrary } from './acme-library.ts';
import { AcmeProblem, readProblem } from './acme-problem.ts';
import type { AcmeStore, StoredAccount } from './acme-store.ts';
import { AcmeTransport, readJson } from './acme-transport.ts';
import type { RenewalWindow } from './renewal.ts';
import { createKeyPem, readRenewalId } from './signing.ts';

export interface Order {
  readonly names: readonly string[];
  /** The certificate that the new one takes the place of. */
  readonly replacedPem: string | undefined;
  /** Shows challenges where the authority looks for them. Resolves when it may look. */
  show(challenges: AcmeChallenges): Promise<void>;
}

export interface OrderedCertificate {
  readonly keyPem: string;
  readonly chainPem: string;
}

export interface RenewalAdvice {
  readonly window: RenewalWindow;
  readonly askAgainMs: number;
}

/** What the keeper asks; by itself it asks one thing at a time. */
export interface CertificateAuthority {
  order(order: Order): Promise<OrderedCertificate>;
  /** `undefined` where the authority gives no advice. */
  adviseRenewal(certPem: string): Promise<RenewalAdvice | undefined>;
  close(): void;
}

export interface AuthorityOptions {
  readonly acme: AcmeConfiguration;
  /** The text of `acme.ca`. */
  readonly ca: string | undefined;
  readonly store: AcmeStore;
  readonly clock: Clock;
  /** Resolves after that time, or at once when the signal says so. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** How often an order or a challenge is looked at, at most: about three minutes. */
const LOOKS_MAX = 40;
const LOOK_EVERY_MIN_MS = 500;
const LOOK_EVERY_MAX_MS = 5_000;
/** RFC 9773 §4.3.3: the authority says when to ask again, within reason. */
const ASK_AGAIN_MIN_MS = 60_000;
const ASK_AGAIN_MAX_MS = 24 * 3_600_000;
const ASK_AGAIN_USUAL_MS = 6 * 3_600_000;

type Challenge = AcmeClient.Authorization['challenges'][number];

export class AcmeAuthority implements CertificateAuthority {
  readonly #options: AuthorityOptions;
  readonly #ending = new AbortController();
  readonly #transport: AcmeTransport;
  #library: AcmeLibrary | undefined;

  constructor(options: AuthorityOptions) {
    this.#options = options;
    const { ca, clock } = options;
    this.#transport = new AcmeTransport({ ca, signal: this.#ending.signal, wallMs: () => clock.wallMs() });
  }

  async order(order: Order): Promise<OrderedCertificate> {
    const library = await this.#load();
    return library.through(this.#transport, async () => {
      try {
        return await this.#orderAs(await this.#openAccount(library), order, library);
      } catch (error) {
        // The directory has forgotten the account, as one for tests does when it starts: it is made anew, with the same key.
        if (!(error instanceof AcmeProblem) || error.type !== 'accountDoesNotExist') throw error;
        await this.#forgetAccount();
        return this.#orderAs(await this.#openAccount(library), order, library);
      }
    });
  }

  async adviseRenewal(certPem: string): Promise<RenewalAdvice | undefined> {
    const url = await this.#findRenewalInfo();
    const id = url === undefined ? undefined : await readRenewalId(certPem);
    if (id === undefined) return undefined;
    const { text, retryAfterMs } = await this.#get(`${url!.replace(/\/$/, '')}/${id}`);
    const asked = retryAfterMs === 0 ? ASK_AGAIN_USUAL_MS : retryAfterMs;
    const window = readWindow(readJson(text));
    if (window === undefined) throw new AcmeProblem('the advice on the renewal has no window');
    return { window, askAgainMs: Math.min(Math.max(asked, ASK_AGAIN_MIN_MS), ASK_AGAIN_MAX_MS) };
  }

  close(): void {
    this.#ending.abort();
    this.#transport.close();
  }

  async #load(): Promise<AcmeLibrary> {
    this.#library ??= await loadAcmeLibrary();
    return this.#library;
  }

  /** A client with an account: the stored one, or a new one. */
  async #openAccount({ Client }: AcmeLibrary): Promise<AcmeClient.Client> {
    const { acme, store } = this.#options;
    const stored = await store.readAccount();
    const keyPem = stored?.keyPem ?? createKeyPem();
    const externalKeyId = acme.externalAccount?.keyId;
    // An account is bound once: with another external account it is a new one, as far as the authority is concerned.
    const url = stored?.externalKeyId === externalKeyId ? stored?.url : undefined;
    const client = new Client({
      directoryUrl: toDirectoryUrl(acme.directory),
      accountKey: keyPem,
      ...(url !== undefined && { accountUrl: url }),
      ...(acme.externalAccount !== undefined && {
        externalAccountBinding: { kid: acme.externalAccount.keyId, hmacKey: acme.externalAccount.hmacKey.reveal() },
      }),
    });
    const contact = acme.email === undefined ? [] : [`mailto:${acme.email}`];
    const account: StoredAccount = { keyPem, url, email: acme.email, externalKeyId };
    // The key is kept before anybody has seen it: whatever happens then, the account can be found again.
    if (stored === undefined) await store.writeAccount(account);
    if (url === undefined) await client.createAccount({ termsOfServiceAgreed: true, contact });
    else if (stored?.email !== acme.email) await client.updateAccount({ contact });
    else return client;
    await store.writeAccount({ ...account, url: client.getAccountUrl() });
    return client;
  }

  async #forgetAccount(): Promise<void> {
    const { store } = this.#options;
    const account = await store.readAccount();
    if (account !== undefined) await store.writeAccount({ ...account, url: undefined });
  }

  async #orderAs(client: AcmeClient.Client, order: Order, library: AcmeLibrary): Promise<OrderedCertificate> {
    const { names } = order;
    const created = await this.#createOrder(client, order);
    await this.#satisfy(client, await client.getAuthorizations(created), order, library);
    const ready = await this.#untilOrder(client, created, 'ready');
    const keyPem = createKeyPem();
    const [, request] = await library.crypto.createCsr({ altNames: [...names] }, keyPem);
    const done = await this.#untilOrder(client, await client.finalizeOrder(ready, request), 'valid');
    return { keyPem, chainPem: await client.getCertificate(done) };
  }

  async #createOrder(client: AcmeClient.Client, { names, replacedPem }: Order): Promise<AcmeClient.Order> {
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    const knowsReplacing = replacedPem !== undefined && (await this.#findRenewalInfo()) !== undefined;
    const replaces = knowsReplacing ? await readRenewalId(replacedPem) : undefined;
    if (replaces === undefined) return client.createOrder({ identifiers });
    const replacing = { identifiers, replaces };
    try {
      return await client.createOrder(replacing);
    } catch (error) {
      // RFC 9773 §5: whatever is wrong with what is replaced, the order is right without it. A limit is a limit.
      if (!(error instanceof AcmeProblem) || error.type === 'rateLimited' || error.type === undefined) throw error;
      return client.createOrder({ identifiers });
    }
  }

  /** Shows the challenges of all names at once, then lets the authority look. */
  async #satisfy(
    client: AcmeClient.Client,
    authorizations: readonly AcmeClient.Authorization[],
    order: Order,
    library: AcmeLibrary,
  ): Promise<void> {
    const pending = authorizations.filter(({ status }) => status !== 'valid');
    if (pending.length === 0) return;
    const http: Record<string, string> = {};
    const tlsAlpn: Record<string, { cert: string; key: string }> = {};
    const chosen = pending.map((authorization) => ({ authorization, challenge: this.#choose(authorization) }));
    for (const { authorization, challenge } of chosen) {
      const text = await client.getChallengeKeyAuthorization(challenge);
      if (this.#options.acme.challenge === 'http-01') http[challenge.token] = text;
      else tlsAlpn[authorization.identifier.value] = await createChallengeCertificate(authorization, text, library);
    }
    await order.show({ http, tlsAlpn });
    for (const { challenge } of chosen) if (challenge.status === 'pending') await client.completeChallenge(challenge);
    for (const { authorization } of chosen) await this.#untilAuthorized(client, authorization);
  }

  #choose({ challenges, identifier }: AcmeClient.Authorization): Challenge {
    const { challenge: wanted } = this.#options.acme;
    const challenge = challenges.find(({ type }) => (type as string) === wanted);
    if (challenge !== undefined) return challenge;
    const offered = challenges.map(({ type }) => type).join(', ');
    throw new AcmeProblem(`the authority does not offer ${wanted} for ${identifier.value}, only ${offered}`);
  }

  async #untilAuthorized(client: AcmeClient.Client, authorization: AcmeClient.Authorization): Promise<void> {
    await this.#look(async () => {
      const [now] = await client.getAuthorizations({ authorizations: [authorization.url] } as AcmeClient.Order);
      if (now?.status === 'valid') return true;
      if (now?.status === 'pending') return undefined;
      const error = now?.challenges.find((challenge) => challenge.error !== undefined)?.error;
      const { type, text } = readProblem(error) ?? { type: undefined, text: `the authorization is ${now?.status}` };
      throw new AcmeProblem(`${authorization.identifier.value}: ${text}`, { type });
    }, `the authority does not say whether ${authorization.identifier.value} is ours`);
  }

  #untilOrder(client: AcmeClient.Client, order: AcmeClient.Order, wanted: 'ready' | 'valid'): Promise<AcmeClient.Order> {
    let now: AcmeClient.Order = order;
    let isFirst = true;
    return this.#look(async () => {
      if (!isFirst || now.status === 'pending') now = await client.getOrder(order);
      isFirst = false;
      if (now.status === 'invalid') {
        const { type, text } = readProblem(now.error) ?? { type: undefined, text: 'the order is invalid' };
        throw new AcmeProblem(text, { type });
      }
      return now.status === wanted ? now : undefined;
    }, `the order stays ${now.status}`);
  }

  /** Looks again and again, as often as the authority asks for, until there is a result. */
  async #look<Result>(action: () => Promise<Result | undefined>, inVain: string): Promise<Result> {
    for (let looks = 1; looks <= LOOKS_MAX; looks++) {
      const result = await action();
      if (result !== undefined) return result;
      const askedMs = Math.max(this.#transport.retryAfterMs, LOOK_EVERY_MIN_MS * looks);
      await this.#options.wait(Math.min(askedMs, LOOK_EVERY_MAX_MS), this.#ending.signal);
      if (this.#ending.signal.aborted) throw new AcmeProblem('the gateway ends');
    }
    throw new AcmeProblem(inVain);
  }

  /** RFC 9773 §4: a directory that gives advice says where. */
  async #findRenewalInfo(): Promise<string | undefined> {
    const { text } = await this.#get(toDirectoryUrl(this.#options.acme.directory));
    const directory = readJson(text);
    if (typeof directory !== 'object' || directory === null) throw new AcmeProblem('the directory is not one');
    const { renewalInfo } = directory as Readonly<Record<string, unknown>>;
    return typeof renewalInfo === 'string' && renewalInfo.startsWith('https://') ? renewalInfo : undefined;
  }

  #get(url: string): ReturnType<AcmeTransport['send']> {
    return this.#transport.send({ url, method: 'GET', headers: { 'user-agent': 'gatehouse' }, body: undefined });
  }
}

async function createChallengeCertificate(
  authorization: AcmeClient.Authorization,
  keyAuthorization: string,
  { crypto }: AcmeLibrary,
): Promise<{ cert: string; key: string }> {
  const keyPem = createKeyPem();
  const [, cert] = await crypto.createAlpnCertificate(authorization, keyAuthorization, keyPem);
  return { cert: cert.toString(), key: keyPem };
}

function readWindow(value: unknown): RenewalWindow | undefined {
  const { suggestedWindow } = (value ?? {}) as {
    readonly suggestedWindow?: { readonly start?: unknown; readonly end?: unknown };
  };
  const startMs = Date.parse(String(suggestedWindow?.start));
  const endMs = Date.parse(String(suggestedWindow?.end));
  return Number.isNaN(startMs) || Number.isNaN(endMs) ? undefined : { startMs, endMs };
}
