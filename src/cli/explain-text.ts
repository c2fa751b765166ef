/** Explanations for people: where a request goes, and what has become of one. */
import type { ExchangeRecord, RecordedAttempt, RecordedPolicy } from '#http/exchange-record.ts';
import type { EndpointChoice, ExplainedCandidate } from '#runtime/explain-balancing.ts';
import type { ExplainedFallback } from '#runtime/explain-fallback.ts';
import type { RequestExplanation } from '#runtime/explain-request.ts';

const CANDIDATES_SHOWN_MAX = 10;

export function toExplanationText({ request, route, ownPath, outranked, nearMisses }: RequestExplanation): string {
  const lines = [
    `${request.method} ${request.target}   host ${request.host || '(none)'}, listener ${request.listener}, client ${request.clientAddress}`,
    '',
  ];
  if (route === undefined && ownPath !== undefined) {
    lines.push('No route takes this request. Its path belongs to a policy, which answers it.');
    lines.push(`  policies ${ownPath.policies.join(' → ')}`);
  } else if (route === undefined) lines.push('No route takes this request: the answer is 404.');
  else {
    lines.push(`Route ${route.name}   ${describeMatch(route)}`);
    for (const reason of route.because) lines.push(`  because ${reason}`);
    for (const [name, value] of Object.entries(route.captures)) lines.push(`  captures ${name} = ${value}`);
    lines.push(`  policies ${route.policies.length === 0 ? '(none)' : route.policies.join(' → ')}`);
    lines.push(`  goes to ${route.destination}`);
    lines.push(...route.endpoints.flatMap(describeChoice));
    for (const line of route.forwarding) lines.push(`  sent to ${line}`);
    if (route.protection.length > 0) lines.push(`  importance ${route.importance}`);
    for (const line of route.protection) lines.push(`  protected by ${line}`);
    for (const detail of route.details) lines.push(`  ${detail}`);
    if (route.fallback !== undefined) lines.push(...describeFallback(route.fallback));
  }
  if (outranked.length > 0) lines.push('', 'Routes that match too, but rank lower:');
  for (const other of outranked) lines.push(`  ${other.route}   ${describeMatch(other)}: ${other.because}`);
  if (nearMisses.length > 0) lines.push('', 'Near misses:');
  for (const miss of nearMisses) lines.push(`  ${miss.route}   ${describeMatch(miss)}: ${miss.because}`);
  return `${lines.join('\n')}\n`;
}

function describeFallback({ to, instead, endpoints, forwarding, protection }: ExplainedFallback): string[] {
  return [
    `  falls back to ${to}`,
    ...instead.map((line) => `    instead of ${line}`),
    ...endpoints.flatMap(describeChoice),
    ...forwarding.map((line) => `    sent to ${line}`),
    ...protection.map((line) => `    protected by ${line}`),
  ];
}

/** Nothing about a service with one endpoint: there is no choice. */
function describeChoice({ service, balance, endpoint, because, candidates }: EndpointChoice): string[] {
  if (candidates.length < 2) return [];
  const chosen = endpoint === undefined ? 'an endpoint' : endpoint;
  const shown = candidates.slice(0, CANDIDATES_SHOWN_MAX).map((candidate) => `      ${describeCandidate(candidate)}`);
  const more = candidates.length - shown.length;
  return [
    `    ${service} chooses ${chosen} by ${balance}, because ${because}`,
    ...shown,
    ...(more > 0 ? [`      and ${more} more (all of them with --json)`] : []),
  ];
}

function describeCandidate({ url, weight, priority, zone, percent }: ExplainedCandidate): string {
  const place = [
    `weight ${weight}`,
    ...(priority > 0 ? [`priority ${priority}`] : []),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
  ];
  return `${url}   ${place.join(', ')}: ${percent === 0 ? 'waits' : `${percent} %`}`;
}

function describeMatch({ host, path }: { host: string | undefined; path: string }): string {
  return host === undefined ? path : `${host}${path}`;
}

/** What has become of an exchange, one line for each step. */
export function toLiveText(record: ExchangeRecord): string {
  const { policies, attempts, calls = [], notes, code, detail, cache, fallback, notRetried, reported } = record;
  const lines = [
    ...policies.map(describePolicy),
    ...attempts.flatMap(describeAttempt),
    ...calls.map(({ name, service, outcome, durationMs }) => `call     ${name} of ${service}: ${outcome}, ${durationMs} ms`),
    ...notes.map(({ about, note }) => `note     ${about}: ${note}`),
  ];
  if (cache !== undefined) lines.push(`cache    ${cache}`);
  if (fallback !== undefined) lines.push(`fallback because of ${fallback}`);
  if (notRetried !== undefined) lines.push(`nothing else was tried: ${notRetried}`);
  if (reported !== undefined) lines.push(`reported ${reported}`);
  if (code !== undefined) lines.push(`error    ${code}${detail === undefined ? '' : ` ${detail}`}`);
  return lines.map((line) => `  ${line}\n`).join('');
}

function describePolicy({ name, phase, decision, durationMs, waited, code, status }: RecordedPolicy): string {
  const outcome = [decision, status, code].filter((part) => part !== undefined).join(' ');
  return `policy   ${name} (${phase}): ${outcome}, ${durationMs} ms${waited ? ', with waiting' : ''}`;
}

function describeAttempt({ endpoint, cause, choice, ...attempt }: RecordedAttempt): string[] {
  const { outcome, status, code, detail, reused, connectedMs, startedMs, durationMs } = attempt;
  const ended = [outcome, status, code, detail].filter((part) => part !== undefined).join(' ');
  const opened =
    connectedMs === undefined || startedMs === undefined
      ? ''
      : `, over a connection opened in ${(connectedMs - startedMs).toFixed(2)} ms`;
  const connection = reused === true ? ', over a connection that was there' : opened;
  return [
    `${(cause ?? 'attempt').padEnd(8)} ${endpoint}: ${ended}, ${durationMs} ms${connection}`,
    ...(choice === undefined || choice.endpointCount < 2 ? [] : [`         chosen by ${choice.balance}: ${choice.because}`]),
    ...(choice?.leftOut ?? []).map(({ endpoint: other, because }) => `         not ${other}: ${because}`),
  ];
}
