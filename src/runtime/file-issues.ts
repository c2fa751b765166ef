/** What is wrong with the files that a configuration names and whose contents are checked without a start. */
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding, Issue } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import { AddressFactReader } from './address-facts.ts';
import { findAggregateMistakes } from './aggregate-documents.ts';
import { findFunctionMistakes } from './compose-functions.ts';
import { findNamedContracts } from './named-files.ts';
import { findFolderMistakes } from './served-folders.ts';

/** Addresses, countries, folders, documents, schemas and functions. */
export async function findFileIssues({ configuration, toIssue }: LoadedConfiguration): Promise<Issue[]> {
  if (configuration === undefined) return [];
  const reader = new AddressFactReader({ clock: systemClock, logger: silentLogger });
  const { findings } = await reader.read(configuration);
  const ofContracts = await readContractFindings(configuration);
  const others = [
    ...(await findFolderMistakes(configuration)),
    ...(await findFunctionMistakes(configuration)),
    ...(await findAggregateMistakes(configuration)),
  ];
  return [...findings, ...others, ...ofContracts].map((finding) => toIssue(finding));
}

async function readContractFindings(configuration: Configuration): Promise<readonly Finding[]> {
  if (findNamedContracts(configuration).length === 0) return [];
  const { ContractReader } = await import('./contract-files.ts');
  return (await new ContractReader().read(configuration)).findings;
}
