/** When a certificate is due to be ordered anew, and how long to wait after an order failed. Pure. */
import { createHash } from 'node:crypto';

/** Without advice from the authority, this share of the life is used. */
const USED_SHARE = 2 / 3;
const FIRST_WAIT_MS = 60_000;
const WAIT_MAX_MS = 6 * 3_600_000;
/** Authorities ask for up to a week when a limit on duplicates is reached. */
const ASKED_WAIT_MAX_MS = 8 * 86_400_000;

/** When the authority would like the certificate to be renewed (RFC 9773 §4.2). */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export interface CertificateLife {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Tells this certificate from all others. */
  readonly fingerprint: string;
}

/**
 * The moment inside the window is the same whoever asks and however often, and spread evenly over certificates: so neither
 * restarts nor several instances move renewals to the front of the window. A window that makes no sense is passed over.
 */
export function toRenewalTimeMs(life: CertificateLife, window: RenewalWindow | undefined): number {
  const { notBeforeMs, notAfterMs, fingerprint } = life;
  const withoutAdviceMs = notBeforeMs + (notAfterMs - notBeforeMs) * USED_SHARE;
  if (window === undefined || !(window.endMs > window.startMs)) return withoutAdviceMs;
  const spread = toFraction(`${fingerprint} ${window.startMs}`);
  const wantedMs = window.startMs + (window.endMs - window.startMs) * spread;
  return wantedMs < notAfterMs ? wantedMs : withoutAdviceMs;
}

/** `random` is from 0 to 1. What the authority asks for counts where it is longer. */
export function toRetryDelayMs(failures: number, random: number, askedMs = 0): number {
  const fullMs = Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1), WAIT_MAX_MS);
  // Half of it is certain, so that an order never follows its failure at once; the rest keeps instances apart.
  return Math.max(fullMs * (0.5 + random / 2), Math.min(askedMs, ASKED_WAIT_MAX_MS));
}

function toFraction(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
