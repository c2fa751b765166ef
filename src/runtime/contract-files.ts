/** Reads the documents and schemas that policies name. Loaded by configurations that name some. */
import { stat } from 'node:fs/promises';
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';
import type { NamedContract } from '#config/policies/contracts.ts';
import { type ContractReading, readContract } from '#openapi/contract-reader.ts';
import { formatFaults } from '#openapi/document-files.ts';
import { toContractKey } from '#pipeline/contract/contract.ts';
import { findNamedContracts } from './named-files.ts';

export interface ContractsReading {
  /** By `toContractKey`. */
  readonly contracts: Readonly<Record<string, SharedArrayBuffer>>;
  readonly findings: readonly Finding[];
  /** All files that were looked at, to be watched. */
  readonly files: readonly string[];
}

interface KeptReading {
  readonly reading: ContractReading;
  /** What changes whenever a file does, by file. */
  readonly stamps: string;
}

/** Mistakes of one document that are told; they tend to have one cause. */
const FAULTS_TOLD_MAX = 20;

/** Keeps what it has read: a document whose files are the same is not read again. */
export class ContractReader {
  #kept: ReadonlyMap<string, KeptReading> = new Map();

  async read(configuration: Configuration): Promise<ContractsReading> {
    const kept = new Map<string, KeptReading>();
    const findings: Finding[] = [];
    for (const [key, places] of Map.groupBy(findNamedContracts(configuration), ({ source }) => toContractKey(source))) {
      const read = await this.#readOne(key, places[0]!);
      kept.set(key, read);
      findings.push(...places.flatMap((place) => toFindings(read.reading, place)));
    }
    this.#kept = kept;
    const readings = [...kept].flatMap(
      ([
        key,
        {
          reading: { image },
        },
      ]) => (image === undefined ? [] : [[key, image] as const]),
    );
    return {
      contracts: Object.fromEntries(readings),
      findings,
      files: [...kept.values()].flatMap(({ reading }) => toFiles(reading)),
    };
  }

  async #readOne(key: string, { source }: NamedContract): Promise<KeptReading> {
    const before = this.#kept.get(key);
    if (before !== undefined && (await readStamps(before.reading)) === before.stamps) return before;
    const reading = await readContract(source);
    return { reading, stamps: await readStamps(reading) };
  }
}

function toFiles({ files: { asked } }: ContractReading): readonly string[] {
  return asked;
}

async function readStamps(reading: ContractReading): Promise<string> {
  const stamps = toFiles(reading).map(async (file) => {
    try {
      const { ino, size, mtimeMs } = await stat(file);
      return `${file} ${ino} ${size} ${mtimeMs}`;
    } catch {
      // It is not there, and when it is, it is another one.
      return file;
    }
  });
  return (await Promise.all(stamps)).join('\n');
}

function toFindings({ faults, patternFaults, files }: ContractReading, { source, at }: NamedContract): Finding[] {
  const what = source.form === 'openapi' ? 'the document' : 'the schema';
  const ofFiles = files.problems.map(
    (problem): Finding => ({ path: at, code: 'unreadable-file', message: `${what} ${problem}` }),
  );
  const counting = source.patterns === 'skip' ? faults : [...faults, ...patternFaults];
  const told = counting.slice(0, FAULTS_TOLD_MAX);
  const findings = [
    ...ofFiles,
    ...(source.form === 'inline'
      ? told.map(({ place: { steps }, message }): Finding => ({ path: [...at, ...steps], code: 'invalid-value', message }))
      : formatFaults(told, files).map(
          (message): Finding => ({ path: at, code: 'invalid-value', message: `${what} ${message}` }),
        )),
  ];
  const more = counting.length - told.length;
  if (more > 0) findings.push({ path: at, code: 'invalid-value', message: `${what} has ${more} more mistakes` });
  return findings;
}
