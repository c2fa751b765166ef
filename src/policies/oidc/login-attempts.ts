/**
 * Logins that have begun and not come back yet. Each is a cookie of its own, `NAME.STATE`, so that several tabs can be at it at
 * once, and so that only the browser that began a login can complete it.
 */
import type { Clock } from '#base/clock.ts';
import { findCookie, listCookieFamily } from '#wire/fields/cookies.ts';
import type { CookieWriter } from './cookie-writer.ts';
import type { Sealer } from './sealer.ts';

export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly returnTo: string;
  readonly startedMs: number;
}

const RANDOM_BYTES = 32;
/** As much of the state as tells attempts of one browser apart. */
const STATE_SHOWN = 12;
const STATE = /^[\w-]{43}$/;
const ATTEMPT_KEPT_MS = 600_000;
/** Of one browser; with one more, the oldest is given up. */
const ATTEMPTS_MAX = 6;
/** A client may write as many as fit into a head; looking at each takes a while. */
const ATTEMPTS_LOOKED_AT_MAX = 16;

export class LoginAttempts {
  readonly #sealer: Sealer;
  readonly #writer: CookieWriter;
  readonly #clock: Clock;

  constructor(sealer: Sealer, writer: CookieWriter, clock: Clock) {
    this.#sealer = sealer;
    this.#writer = writer;
    this.#clock = clock;
  }

  /** The attempt, and the fields that keep it and delete those of which there are too many. */
  begin(fields: readonly string[], targets: Pick<LoginAttempt, 'redirectUri' | 'returnTo'>): [LoginAttempt, string[]] {
    const attempt = { state: random(), nonce: random(), verifier: random(), startedMs: this.#clock.wallMs(), ...targets };
    const name = this.#toName(attempt.state);
    const sealed = this.#sealer.seal(JSON.stringify(attempt), name);
    return [attempt, [this.#writer.set(name, sealed, ATTEMPT_KEPT_MS), ...this.#deleteSurplus(fields)]];
  }

  /** The attempt that this browser began with this state. */
  find(fields: readonly string[], state: string): LoginAttempt | undefined {
    if (!STATE.test(state)) return undefined;
    const attempt = this.#read(fields, this.#toName(state));
    return attempt !== undefined && isSame(attempt.state, state) ? attempt : undefined;
  }

  /** The field that ends an attempt, so that it cannot be completed twice. */
  end({ state }: LoginAttempt): string {
    return this.#writer.delete(this.#toName(state));
  }

  #deleteSurplus(fields: readonly string[]): string[] {
    const present = this.#listNames(fields).map((name) => ({ name, startedMs: this.#read(fields, name)?.startedMs ?? 0 }));
    present.sort((a, b) => b.startedMs - a.startedMs);
    const surplus = present.filter(({ startedMs }, index) => startedMs === 0 || index >= ATTEMPTS_MAX - 1);
    return surplus.map(({ name }) => this.#writer.delete(name));
  }

  #listNames(fields: readonly string[]): string[] {
    const start = this.#writer.name.length + 1;
    const names = new Set(listCookieFamily(fields, this.#writer.name).filter((name) => name.length === start + STATE_SHOWN));
    return [...names].slice(0, ATTEMPTS_LOOKED_AT_MAX);
  }

  #read(fields: readonly string[], name: string): LoginAttempt | undefined {
    const sealed = findCookie(fields, name);
    const opened = sealed === undefined ? undefined : this.#sealer.open(sealed, name);
    const attempt = opened === undefined ? undefined : (JSON.parse(opened) as LoginAttempt);
    const isLate = attempt !== undefined && this.#clock.wallMs() >= attempt.startedMs + ATTEMPT_KEPT_MS;
    return isLate ? undefined : attempt;
  }

  #toName(state: string): string {
    return `${this.#writer.name}.${state.slice(0, STATE_SHOWN)}`;
  }
}

/** For what has to be guessed by nobody: RFC 7636 §4.1 asks verifiers to be made like this too. */
function random(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(RANDOM_BYTES).toString('base64url');
}

/** Both have the same length. */
function isSame(one: string, other: string): boolean {
  return process.getBuiltinModule('node:crypto').timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
