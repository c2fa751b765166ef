/** What is special about where a request goes: which service of a split keeps it, which file it names, and what policies say of themselves. */
import { join } from 'node:path';
import { describeAggregate } from '#aggregate/describe-aggregate.ts';
import type { Configuration } from '#config/configuration.ts';
import { toFilePath } from '#files/file-path.ts';
import { type SplitSubject, StickySplit } from '#forward/sticky-split.ts';
import type { ExplainedRequest, ExplainingServices } from '#pipeline/policy.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { findPolicyBlock } from '#snapshot/policy-block.ts';

type Destination = Configuration['routes'][string]['to'];
type ServiceDestination = Extract<Destination, { kind: 'service' }>;

export function explainDestination(to: Destination, subject: SplitSubject, rest: string): string[] {
  if (to.kind === 'aggregate') return describeAggregate(to);
  if (to.kind === 'files') return [explainFile(to, rest)];
  if (to.kind !== 'service') return [];
  return to.sticky === undefined ? [] : [explainSticky(to, to.sticky, subject)];
}

/** Nothing is opened: whether the file is there is not known. */
function explainFile(to: Extract<Destination, { kind: 'files' }>, rest: string): string {
  const path = toFilePath(rest, to);
  if (path === undefined) return 'files: the path is the name of no file that is served';
  const isFolder = path === '' || path.endsWith('/');
  if (isFolder && to.index === undefined) return 'files: a folder is asked for, and there is no index';
  const file = join(to.folder, isFolder ? path + to.index : path);
  return `files: answered with ${file}${to.fallback === undefined ? '' : `, or for pages with ${to.fallback} where there is none`}`;
}

function explainSticky(
  { services }: ServiceDestination,
  sticky: NonNullable<ServiceDestination['sticky']>,
  subject: SplitSubject,
): string {
  const split = new StickySplit(
    sticky,
    services.map(({ service, weight }) => ({ name: service, weight })),
  );
  if (sticky.kind === 'consumer') return 'sticky by consumer: the name of who asks decides, which only policies find out';
  if (sticky.kind === 'claim')
    return `sticky by claim.${sticky.name}: the token of who asks decides, which only policies look at`;
  const what = sticky.kind === 'ip' ? 'client address' : `${sticky.kind} ${sticky.name}`;
  const key = split.keyOf(subject, undefined);
  if (key !== undefined) return `sticky by ${what}: this request goes to service ${split.shareFor(key).name}`;
  const otherwise = sticky.kind === 'cookie' ? 'a new one decides and is set' : 'services take turns by weight';
  return `sticky by ${what}: the request has none, so ${otherwise}`;
}

interface PolicyQuestion extends ExplainedRequest, ExplainingServices {
  readonly route: string;
  readonly listener: string;
}

/** What the policies of a route say of their settings and of the request, by the name of the policy. */
export function explainPolicies(configuration: Configuration, question: PolicyQuestion): string[] {
  const { route, listener } = question;
  return policyDefinitions.flatMap((policy) => {
    const block = findPolicyBlock(policy.name, { configuration, listener, route: configuration.routes[route]! });
    if (block === undefined) return [];
    const texts = [policy.describe?.(block), policy.explain?.(block, question, question)];
    return texts.filter((text) => text !== undefined).map((text) => `${policy.name}: ${text}`);
  });
}
