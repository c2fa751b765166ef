/** An authority for tests of those who order certificates: it signs what it is asked for, or refuses as it is told. */
import type { CertificateAuthority, Order, OrderedCertificate, RenewalAdvice } from '#certificates/acme-authority.ts';
import { createAuthority, createSigned, type SignedPair } from '#certificates/signing.ts';
import type { FakeClock } from './fake-clock.ts';

export class TestAuthority implements CertificateAuthority {
  /** The names of each order, in the order in which they came. */
  readonly orders: (readonly string[])[] = [];
  readonly replaced: (string | undefined)[] = [];
  /** The next orders fail with this. */
  refusal: Error | undefined;
  advice: RenewalAdvice | undefined;
  days = 90;
  isClosed = false;
  /** Called while an order is under way, before the challenges are shown. */
  onOrder: () => Promise<void> | void = () => undefined;
  readonly #clock: FakeClock;
  #signer: SignedPair | undefined;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async order({ names, replacedPem, show }: Order): Promise<OrderedCertificate> {
    this.orders.push(names);
    this.replaced.push(replacedPem);
    await this.onOrder();
    await show({ http: { [`token-of-${names[0]}`]: 'the answer' }, tlsAlpn: {} });
    if (this.refusal !== undefined) throw this.refusal;
    const nowMs = this.#clock.wallMs();
    this.#signer ??= await createAuthority('Authority for tests', { nowMs, days: 3650 });
    const { certPem, keyPem } = await createSigned(names, this.#signer, { nowMs, days: this.days });
    return { keyPem, chainPem: `${certPem}${this.#signer.certPem}` };
  }

  async adviseRenewal(): Promise<RenewalAdvice | undefined> {
    return this.advice;
  }

  close(): void {
    this.isClosed = true;
  }
}
