/** Schemas of a configuration as what a request is asked for. */
import {
  type BodyRule,
  type ContractIndex,
  type ParameterPlace,
  type PlaceRule,
  type RequestRules,
  toContractKey,
} from '#pipeline/contract/contract.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { keepCurrent } from '#pipeline/contract/keep-current.ts';
import { RequestCheck } from '#pipeline/contract/request-check.ts';
import { SchemaSet } from '#pipeline/contract/schema-set.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { ContractSource } from '#schema/contract-source.ts';
import type { ValidateConfig } from './config.ts';

/** What a schema for bodies is for. */
const BODY_RANGES = ['application/json', 'application/*+json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

type Root = NonNullable<ContractIndex['root']>;

/** One check for each schema: each has shared schemas of its own. */
export function createSchemaChecks(config: ValidateConfig, services: PolicyServices): RequestCheck[] {
  const { query, headers, path, cookies, body } = config;
  const ofPlace = (place: ParameterPlace, source: ContractSource | undefined) =>
    source === undefined ? [] : [createCheck(source, config, services, (root) => toPlaceRules(place, root))];
  return [
    ...ofPlace('path', path),
    ...ofPlace('query', query),
    ...ofPlace('header', headers),
    ...ofPlace('cookie', cookies),
    ...(body === undefined ? [] : [createCheck(body, config, services, toBodyRules)]),
  ];
}

function createCheck(
  source: ContractSource,
  { undeclared, maxDepth, multipart }: ValidateConfig,
  { contracts, clock, keeper }: PolicyServices,
  toRules: (root: Root) => RequestRules,
): RequestCheck {
  const key = toContractKey(source);
  const image = new ContractImage(contracts[key]!);
  const { digest, root } = image.index;
  const rules = toRules(root!);
  const isClosed = undeclared.properties === 'refuse';
  // A schema for several places is compiled for each.
  const name = `schema ${JSON.stringify([key, rules.places[0]?.in, isClosed, maxDepth, multipart])}`;
  return keepCurrent(keeper, name, digest, () => {
    const schemas = new SchemaSet(image, { direction: 'request', isClosed }, clock);
    return new RequestCheck(rules, schemas, { closesQuery: false, depthMax: maxDepth, readsMultipart: multipart === 'check' });
  });
}

function toPlaceRules(place: ParameterPlace, { use, shape }: Root): RequestRules {
  const rule: PlaceRule = { in: place, use, shape };
  return { parameters: [], places: [rule], body: undefined };
}

function toBodyRules({ use, shape }: Root): RequestRules {
  const body: BodyRule = { isRequired: true, media: BODY_RANGES.map((range) => ({ range, use, shape })) };
  return { parameters: [], places: [], body };
}
