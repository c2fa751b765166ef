/** Documents and schemas as policies are given them, without files. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { readContract } from '#openapi/contract-reader.ts';
import { formatFaults } from '#openapi/document-files.ts';
import { toContractKey } from '#pipeline/contract/contract.ts';
import type { ContractSource } from '#schema/contract-source.ts';

/** A folder with these files, for as long as the test runs. */
export function writeFolder(t: Pick<TestContext, 'after'>, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-contract-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** What is read of it, as `PolicyServices.contracts` has it. */
export async function readContracts(...sources: readonly ContractSource[]): Promise<Record<string, SharedArrayBuffer>> {
  const images = sources.map(async (source) => {
    const { image, faults, files } = await readContract(source);
    assert.deepEqual([...files.problems, ...formatFaults(faults, files)], []);
    return [toContractKey(source), image!] as const;
  });
  return Object.fromEntries(await Promise.all(images));
}
