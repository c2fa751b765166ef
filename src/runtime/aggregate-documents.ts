/** The documents of services that aggregates are checked by. What reads them is loaded where there are some. */
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';

export function listServiceDocuments({ services }: Pick<Configuration, 'services'>): string[] {
  return Object.values(services).flatMap(({ openapi }) => openapi ?? []);
}

export async function findAggregateMistakes(configuration: Configuration): Promise<Finding[]> {
  if (listServiceDocuments(configuration).length === 0) return [];
  const { findReferenceMistakes } = await import('#openapi/aggregate-references.ts');
  return findReferenceMistakes(configuration);
}
