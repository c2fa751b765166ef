/**
 * Keeps the ordered certificates of a configuration: orders those that are missing, renews those that are due, shows
 * challenges, and notices what other instances that share the store have done. It has no timer of its own: whoever owns it
 * calls `look` about twice a second. One thing is done at a time, in the background.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { toDirectoryFolder } from '#config/acme-files.ts';
import type { AcmeConfiguration, Configuration } from '#config/configuration.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import type { AuthorityOptions, CertificateAuthority, OrderedCertificate } from './acme-authority.ts';
import { AcmeProblem } from './acme-problem.ts';
import { AcmeStore, readIfThere, readStamp, type StoredFailure, writeWhole } from './acme-store.ts';
import { isKeyOf, readLeaf } from './certificate-facts.ts';
import { listCertificateUses } from './certificate-uses.ts';
import { Lease } from './lease.ts';
import { type RenewalWindow, toRenewalTimeMs, toRetryDelayMs } from './renewal.ts';
import { findStandIn } from './stand-in.ts';

export interface KeeperOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1. */
  random(): number;
  /** Resolves after that time, or at once when the signal says so. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  createAuthority(options: AuthorityOptions): CertificateAuthority;
  /** What is shown to the authority has changed. */
  onChallenges(challenges: AcmeChallenges): void;
  /** Certificates have changed: those that `provide` gave last are old. */
  onCertificates(): void;
}

/** One certificate of the configuration. */
interface Kept {
  readonly path: string;
  readonly names: readonly string[];
  /** What the file was when it was read last. */
  stamp: string | undefined;
  /** `undefined` until there is one that can be used. */
  certificate: KeptCertificate | undefined;
  window: RenewalWindow | undefined;
  /** When the authority is asked about the renewal, on the monotonic clock. */
  adviceDueMs: number;
  /** One that could not be written into the store counts too. */
  unsavedFailure: StoredFailure | undefined;
}

interface KeptCertificate {
  readonly pem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly fingerprint: string;
}

export interface Followed {
  /** What the listeners have, by the paths of the files. */
  readonly provided: Readonly<Record<string, string>>;
  /** The text of `acme.ca`. */
  readonly ca: string | undefined;
}

/** What belongs to one `acme` block. */
interface Place {
  readonly acme: AcmeConfiguration;
  readonly definition: string;
  readonly store: AcmeStore;
  readonly lease: Lease;
  readonly authority: CertificateAuthority;
}

/** Other instances look twice a second: by then they show the challenges too, whichever of them the authority asks. */
const SPREADING_MS = 1_500;
/** How long challenges of an instance that died are shown. */
const CHALLENGES_MS = 15 * 60_000;
/** The first question waits until the start is over, and instances that start together do not ask together. */
const FIRST_ADVICE_MS = 60_000;
const ADVICE_AFTER_FAILURE_MS = 6 * 3_600_000;
/** A failed renewal is an error, and not a warning, when the certificate has less than this left. */
const URGENT_MS = 7 * 86_400_000;
const noChallenges: AcmeChallenges = { http: {}, tlsAlpn: {} };

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #ending = new AbortController();
  #place: Place | undefined;
  /** What the listeners were given, by path. */
  #provided: Readonly<Record<string, string>> = {};
  #kept: readonly Kept[] = [];
  #shown = JSON.stringify(noChallenges);
  #work: Promise<void> | undefined;
  #isLooking = false;
  #isStoreFailing = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /**
   * The texts of all ordered certificates of a configuration, by the paths of their files: what the store has, and what
   * stands in for what it does not. Nothing is ordered and nothing else changes.
   */
  async provide(configuration: Configuration): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    const store = configuration.acme?.store ?? '';
    const nowMs = this.#options.clock.wallMs();
    for (const { path, names } of listOrdered(configuration)) {
      const usable = await this.#readUsable(path, names);
      // A file that vanished serves until it is ordered anew, and what stands in stays the same.
      texts[path] = usable ?? this.#provided[path] ?? (await findStandIn(store, names, nowMs));
    }
    return texts;
  }

  /** From now on the certificates of this configuration are kept. */
  follow(configuration: Configuration, { provided, ca }: Followed): void {
    const { acme } = configuration;
    const wanted = acme === undefined ? [] : listOrdered(configuration);
    const definition = JSON.stringify([acme, acme?.externalAccount?.hmacKey.reveal(), ca]);
    if (definition !== this.#place?.definition) {
      this.#closePlace();
      if (acme !== undefined) this.#place = this.#openPlace(acme, definition, ca);
    }
    const before = new Map(this.#kept.map((kept) => [kept.path, kept]));
    this.#kept = wanted.map(({ path, names }) => before.get(path) ?? this.#createKept(path, names));
    this.#provided = provided;
  }

  /** Looks what has changed and what is due. Problems are logged; this never rejects. */
  async look(): Promise<void> {
    const place = this.#place;
    if (place === undefined || this.#isLooking || this.#ending.signal.aborted) return;
    this.#isLooking = true;
    try {
      await this.#lookAtFiles();
      await this.#lookAtChallenges(place);
      if (place.lease.isHeld && !(await place.lease.beat()))
        this.#options.logger.log('warn', 'another instance took over the orders of certificates');
      this.#isStoreFailing = false;
      await this.#startWork(place);
    } catch (error) {
      // Once: it is looked at twice a second.
      if (!this.#isStoreFailing)
        this.#options.logger.log('error', 'certificate store cannot be used', { store: place.acme.store, error });
      this.#isStoreFailing = true;
    } finally {
      this.#isLooking = false;
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#closePlace();
    this.#kept = [];
    await this.#work;
  }

  #openPlace(acme: AcmeConfiguration, definition: string, ca: string | undefined): Place {
    const { clock, createAuthority } = this.#options;
    const store = new AcmeStore(acme.store, toDirectoryFolder(acme));
    const lease = new Lease(join(acme.store, 'lease'), clock);
    const wait = (ms: number, signal: AbortSignal) => this.#options.wait(ms, signal);
    return { acme, definition, store, lease, authority: createAuthority({ acme, ca, store, clock, wait }) };
  }

  #closePlace(): void {
    this.#place?.authority.close();
    this.#place = undefined;
    this.#show(noChallenges);
  }

  #createKept(path: string, names: readonly string[]): Kept {
    const { clock, random } = this.#options;
    const adviceDueMs = clock.monotonicMs() + FIRST_ADVICE_MS * (1 + random());
    return { path, names, stamp: undefined, certificate: undefined, window: undefined, adviceDueMs, unsavedFailure: undefined };
  }

  /** Reads what is new in the store, whoever wrote it. */
  async #lookAtFiles(): Promise<void> {
    let hasChanged = false;
    for (const kept of this.#kept) {
      const stamp = await readStamp(kept.path);
      if (stamp === kept.stamp) continue;
      const pem = stamp === undefined ? undefined : await this.#readUsable(kept.path, kept.names);
      const before = kept.certificate?.fingerprint;
      kept.stamp = stamp;
      kept.certificate = pem === undefined ? undefined : toKeptCertificate(pem);
      hasChanged ||= pem !== undefined && pem !== this.#provided[kept.path];
      if (before === undefined || kept.certificate === undefined || kept.certificate.fingerprint === before) continue;
      kept.window = undefined;
      kept.adviceDueMs = this.#options.clock.monotonicMs() + FIRST_ADVICE_MS * this.#options.random();
    }
    if (hasChanged) this.#options.onCertificates();
  }

  async #lookAtChallenges({ store }: Place): Promise<void> {
    this.#show(await store.readChallenges(this.#options.clock.wallMs()));
  }

  #show(challenges: AcmeChallenges): void {
    const shown = JSON.stringify(challenges);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#options.onChallenges(challenges);
  }

  async #startWork(place: Place): Promise<void> {
    if (this.#work !== undefined) return;
    const { clock } = this.#options;
    const due = await this.#findDue(place);
    const unadvised = this.#kept.find(
      ({ certificate, adviceDueMs }) => certificate !== undefined && adviceDueMs <= clock.monotonicMs(),
    );
    const action =
      due !== undefined ? this.#renew(place, due) : unadvised !== undefined ? this.#ask(place, unadvised) : undefined;
    this.#work = action?.finally(() => {
      this.#work = undefined;
    });
  }

  /** The first certificate that is missing or due and may be ordered now. */
  async #findDue(place: Place): Promise<Kept | undefined> {
    const nowMs = this.#options.clock.wallMs();
    for (const kept of this.#kept) {
      if (kept.certificate !== undefined && toRenewalTimeMs(kept.certificate, kept.window) > nowMs) continue;
      const failure = await readFailure(place, kept);
      if (failure === undefined || failure.notBeforeMs <= nowMs) return kept;
    }
    return undefined;
  }

  async #renew(place: Place, kept: Kept): Promise<void> {
    const { logger } = this.#options;
    const { store, lease } = place;
    try {
      const { isOpenToOthers } = await store.prepare();
      if (!(await lease.take())) return;
      if (isOpenToOthers) logger.log('warn', 'certificate store is open to other users', { store: place.acme.store });
    } catch (error) {
      return this.#fail(place, kept, error);
    }
    try {
      // Whoever had the lease before may have done it.
      await this.#lookAtFiles();
      if ((await this.#findDue(place)) !== kept) return;
      await this.#order(place, kept);
    } catch (error) {
      await this.#fail(place, kept, error);
    } finally {
      await store.removeChallenges().catch(() => undefined);
      this.#show(noChallenges);
      await lease.release().catch(() => undefined);
    }
  }

  async #order({ acme, store, authority }: Place, kept: Kept): Promise<void> {
    const { logger, clock, wait } = this.#options;
    const { names, path } = kept;
    logger.log('info', 'certificate is ordered', { names, directory: acme.directory });
    const ordered = await authority.order({
      names,
      replacedPem: kept.certificate?.pem,
      show: async (challenges) => {
        await store.writeChallenges(challenges, clock.wallMs() + CHALLENGES_MS);
        this.#show(challenges);
        await wait(SPREADING_MS, this.#ending.signal);
      },
    });
    checkOrdered(ordered, names, clock.wallMs());
    await writeWhole(path, `${ordered.keyPem.trimEnd()}\n${ordered.chainPem.trimEnd()}\n`);
    await store.removeFailure(path);
    kept.unsavedFailure = undefined;
    const leaf = readLeaf(ordered.chainPem)!;
    logger.log('info', 'certificate was issued', { names, expires: leaf.validToDate.toISOString(), file: path });
    await this.#lookAtFiles();
  }

  async #fail(place: Place, kept: Kept, error: unknown): Promise<void> {
    // Broken off because it is wanted no more.
    if (place !== this.#place) return;
    const { acme, store } = place;
    const { clock, logger, random } = this.#options;
    const problem = error instanceof Error ? error.message : String(error);
    const askedMs = error instanceof AcmeProblem ? error.retryAfterMs : 0;
    const failures = ((await readFailure(place, kept).catch(() => kept.unsavedFailure))?.failures ?? 0) + 1;
    const notBeforeMs = clock.wallMs() + toRetryDelayMs(failures, random(), askedMs);
    const failure: StoredFailure = { failures, notBeforeMs, problem };
    kept.unsavedFailure = await store.writeFailure(kept.path, failure).then(
      () => undefined,
      () => failure,
    );
    const isUrgent = (kept.certificate?.notAfterMs ?? 0) - clock.wallMs() < URGENT_MS;
    const nextTry = new Date(notBeforeMs).toISOString();
    logger.log(isUrgent ? 'error' : 'warn', 'certificate could not be ordered', {
      names: kept.names,
      directory: acme.directory,
      problem,
      failures,
      nextTry,
    });
  }

  async #ask({ authority }: Place, kept: Kept): Promise<void> {
    const { clock, logger } = this.#options;
    const { certificate } = kept;
    try {
      const advice = await authority.adviseRenewal(certificate!.pem);
      if (kept.certificate !== certificate) return;
      kept.window = advice?.window;
      kept.adviceDueMs = clock.monotonicMs() + (advice?.askAgainMs ?? ADVICE_AFTER_FAILURE_MS);
    } catch (error) {
      // RFC 9773 §4.3: without advice, as if the authority gave none.
      kept.adviceDueMs = clock.monotonicMs() + ADVICE_AFTER_FAILURE_MS;
      if (!this.#ending.signal.aborted)
        logger.log('info', 'no advice on the renewal of a certificate', { names: kept.names, error });
    }
  }

  /** The text of a file that holds a certificate for these names and its key; `undefined` for any other. */
  async #readUsable(path: string, names: readonly string[]): Promise<string | undefined> {
    const pem = await readIfThere(path).catch((error: unknown) => {
      this.#options.logger.log('error', 'certificate cannot be read', { file: path, error });
      return undefined;
    });
    const leaf = pem === undefined ? undefined : readLeaf(pem);
    if (pem === undefined) return undefined;
    if (leaf !== undefined && isKeyOf(leaf, pem) && names.every((name) => leaf.checkHost(name) !== undefined)) return pem;
    this.#options.logger.log('error', 'certificate in the store cannot be used', { file: path });
    return undefined;
  }
}

/** Everything that is ordered, each file once. */
function listOrdered(configuration: Configuration): { readonly path: string; readonly names: readonly string[] }[] {
  const ordered = listCertificateUses(configuration).filter(({ use }) => use.source === 'acme');
  return [...new Map(ordered.map(({ use: { path, names } }) => [path, { path, names }])).values()];
}

/** An authority that answers with something else than was asked for must not replace what serves. */
function checkOrdered({ keyPem, chainPem }: OrderedCertificate, names: readonly string[], nowMs: number): void {
  const leaf = readLeaf(chainPem);
  if (leaf === undefined) throw new AcmeProblem('the authority sent no certificate');
  if (!isKeyOf(leaf, keyPem)) throw new AcmeProblem('the authority sent a certificate for another key');
  const missing = names.find((name) => leaf.checkHost(name) === undefined);
  if (missing !== undefined) throw new AcmeProblem(`the authority sent a certificate without ${missing}`);
  if (leaf.validToDate.getTime() <= nowMs) throw new AcmeProblem('the authority sent a certificate that has expired');
}

async function readFailure({ store }: Place, kept: Kept): Promise<StoredFailure | undefined> {
  return (await store.readFailure(kept.path)) ?? kept.unsavedFailure;
}

function toKeptCertificate(pem: string): KeptCertificate {
  const leaf = readLeaf(pem)!;
  return {
    pem,
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
    fingerprint: createHash('sha256').update(leaf.raw).digest('hex'),
  };
}
