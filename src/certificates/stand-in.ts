/** What serves names whose certificate is still to be issued: another one of the store that has some of them, or a temporary one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from './acme-store.ts';
import { isKeyOf, readLeaf } from './certificate-facts.ts';
import { createTemporary } from './signing.ts';

/** A store with more is looked at in part. */
const FILES_MAX = 1_000;
const TEMPORARY_DAYS = 365;

interface StandIn {
  readonly pem: string;
  readonly covered: number;
  readonly notAfterMs: number;
}

/**
 * A key and a chain, PEM. Whoever adds a name to a certificate or changes the directory must not lose the names that were
 * served until then, so a certificate of the store that has most of the names comes first.
 */
export async function findStandIn(folder: string, names: readonly string[], nowMs: number): Promise<string> {
  let best: StandIn | undefined;
  for (const path of await listCertificates(folder)) {
    const standIn = await readStandIn(path, names, nowMs);
    if (standIn !== undefined && (best === undefined || isBetter(standIn, best))) best = standIn;
  }
  if (best !== undefined) return best.pem;
  const { certPem, keyPem } = await createTemporary(names, { nowMs, days: TEMPORARY_DAYS });
  return `${keyPem}${certPem}`;
}

async function listCertificates(folder: string): Promise<string[]> {
  // No folder yet means that nothing was ever ordered.
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries
    .filter((name) => name.endsWith('.pem'))
    .slice(0, FILES_MAX)
    .map((name) => join(folder, name));
}

async function readStandIn(path: string, names: readonly string[], nowMs: number): Promise<StandIn | undefined> {
  // One that cannot be read is none.
  const pem = await readIfThere(path).catch(() => undefined);
  const leaf = pem === undefined ? undefined : readLeaf(pem);
  if (pem === undefined || leaf === undefined || !isKeyOf(leaf, pem)) return undefined;
  const covered = names.filter((name) => leaf.checkHost(name) !== undefined).length;
  const notAfterMs = leaf.validToDate.getTime();
  return covered === 0 || notAfterMs <= nowMs ? undefined : { pem, covered, notAfterMs };
}

function isBetter(one: StandIn, other: StandIn): boolean {
  return one.covered > other.covered || (one.covered === other.covered && one.notAfterMs > other.notAfterMs);
}
