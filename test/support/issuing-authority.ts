/** Certificates made for one test: by an authority of its own, for the names and the days that it asks for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, createSigned, type SignedPair } from '#certificates/signing.ts';

const DAY_MS = 86_400_000;

export interface IssuedPaths {
  readonly cert: string;
  readonly key: string;
}

/** When a certificate counts, in days from now. */
export interface IssuedLife {
  readonly fromDays?: number;
  readonly days?: number;
}

export class TestAuthority {
  readonly folder: string;
  readonly pair: SignedPair;

  private constructor(folder: string, pair: SignedPair) {
    this.folder = folder;
    this.pair = pair;
  }

  static async create(folder: string, name = 'Test Authority'): Promise<TestAuthority> {
    return new TestAuthority(folder, await createAuthority(name, { nowMs: Date.now(), days: 30 }));
  }

  async issue(names: readonly string[], { fromDays = 0, days = 10 }: IssuedLife = {}): Promise<SignedPair> {
    return await createSigned(names, this.pair, { nowMs: Date.now() + fromDays * DAY_MS, days });
  }

  /** For a client that shows it. */
  async issueForClient(name: string, { fromDays = 0, days = 10 }: IssuedLife = {}): Promise<SignedPair> {
    return await createSigned([name], this.pair, { nowMs: Date.now() + fromDays * DAY_MS, days }, 'client');
  }

  /** The same, as files that a configuration can name. */
  async issueFiles(file: string, names: readonly string[], life: IssuedLife = {}): Promise<IssuedPaths> {
    const { certPem, keyPem } = await this.issue(names, life);
    const paths = { cert: join(this.folder, `${file}.pem`), key: join(this.folder, `${file}.key`) };
    await Promise.all([writeFile(paths.cert, certPem), writeFile(paths.key, keyPem)]);
    return paths;
  }

  /** The authority's own certificate as a file. */
  async writeOwn(file: string): Promise<string> {
    const path = join(this.folder, `${file}.pem`);
    await writeFile(path, this.pair.certPem);
    return path;
  }
}
