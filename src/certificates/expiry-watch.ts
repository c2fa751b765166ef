/** Says in the log that a certificate is about to expire: at 30, 14, 7, 3 and 1 days, once each, and when it has. */
import type { Logger } from '#base/logger.ts';
import { type CertificateFacts, DAY_MS } from './certificate-facts.ts';

const WARNED_DAYS = [30, 14, 7, 3, 1] as const;
/** Certificates that live shortly are meant to have few days left: half their life is not worth a warning. */
const WARNED_SHARE = { file: 1 / 2, acme: 1 / 4 } as const;

/** What is left when the last warning was given; `Infinity` before the first, 0 once it has expired. */
type Told = Map<string, number>;

export class ExpiryWatch {
  readonly #logger: Logger;
  #told: Told = new Map();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Looks at all certificates that are in use. Those that are gone are forgotten. */
  look(facts: readonly CertificateFacts[], nowMs: number): void {
    const told: Told = new Map();
    for (const certificate of facts) {
      if (certificate.fingerprint === undefined || certificate.problem?.kind === 'temporary') continue;
      const { listener, service } = certificate.use;
      const key = `${listener ?? ''} ${service ?? ''} ${certificate.fingerprint}`;
      const before = told.get(key) ?? this.#told.get(key) ?? Number.POSITIVE_INFINITY;
      const reached = findReached(certificate, nowMs);
      if (reached < before) this.#tell(certificate, reached);
      told.set(key, Math.min(before, reached));
    }
    this.#told = told;
  }

  #tell({ use, names, issuer, notAfterMs, daysLeft }: CertificateFacts, reached: number): void {
    const { listener, service, source, path } = use;
    const expires = new Date(notAfterMs!).toISOString();
    const fields = { listener, service, names, issuer, expires, daysLeft, source, file: path };
    if (reached === 0) this.#logger.log('error', 'certificate has expired', fields);
    else this.#logger.log('warn', 'certificate expires soon', fields);
  }
}

/** The smallest of the warned days that is reached; 0 for an expired certificate. */
function findReached({ use, notBeforeMs, notAfterMs }: CertificateFacts, nowMs: number): number {
  const leftMs = notAfterMs! - nowMs;
  if (leftMs <= 0) return 0;
  const warnedMs = (notAfterMs! - notBeforeMs!) * WARNED_SHARE[use.source];
  const reached = WARNED_DAYS.filter((days) => leftMs <= days * DAY_MS && days * DAY_MS <= warnedMs);
  return reached.at(-1) ?? Number.POSITIVE_INFINITY;
}
