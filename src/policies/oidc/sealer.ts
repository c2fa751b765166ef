/**
 * Text that only this gateway can read and change: AES-256-GCM with keys made of the configured secrets. What is opened was
 * written by a client, so anything may stand there.
 */
import type { Secret } from '#base/secret.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const BASE64URL = /^[\w-]+$/;

export class Sealer {
  readonly #secrets: readonly Secret[];
  readonly #scope: string;
  #keys: readonly Buffer[] | undefined;

  /** The first secret seals, all of them open. What was sealed in one scope cannot be opened in another one. */
  constructor(secrets: readonly Secret[], scope: string) {
    this.#secrets = secrets;
    this.#scope = scope;
  }

  /** `place` is where the text will stand: it cannot be opened anywhere else. */
  seal(text: string, place: string): string {
    const { createCipheriv, randomBytes } = process.getBuiltinModule('node:crypto');
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#provideKeys()[0]!, iv).setAAD(Buffer.from(place));
    const encrypted = cipher.update(text, 'utf8');
    cipher.final();
    const sealed = Buffer.allocUnsafe(IV_BYTES + TAG_BYTES + encrypted.length);
    sealed.set(iv, 0);
    sealed.set(cipher.getAuthTag(), IV_BYTES);
    sealed.set(encrypted, IV_BYTES + TAG_BYTES);
    return sealed.toString('base64url');
  }

  /** `undefined`: sealed by somebody else, for another place, or changed since. */
  open(sealed: string, place: string): string | undefined {
    if (!BASE64URL.test(sealed)) return undefined;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    for (const key of this.#provideKeys()) {
      const text = decrypt(bytes, key, place);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  #provideKeys(): readonly Buffer[] {
    if (this.#keys !== undefined) return this.#keys;
    const { hkdfSync } = process.getBuiltinModule('node:crypto');
    const toKey = (secret: Secret) => Buffer.from(hkdfSync('sha256', secret.reveal(), '', this.#scope, KEY_BYTES));
    this.#keys = this.#secrets.map(toKey);
    return this.#keys;
  }
}

function decrypt(bytes: Buffer, key: Buffer, place: string): string | undefined {
  const { createDecipheriv } = process.getBuiltinModule('node:crypto');
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(place));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8');
  try {
    return text + decipher.final('utf8');
  } catch {
    // It was not sealed with this key: what has been decrypted so far means nothing.
    return undefined;
  }
}
