/** How an exchange was handled until its answer began, in one line: the value of the field `gatehouse-debug`. */
import type { Exchange } from '#http/exchange.ts';
import { type AttemptStep, decides, type ExchangeJournal, type PolicyStep } from '#http/exchange-journal.ts';

/** Some clients and proxies take no longer fields. */
const SUMMARY_LENGTH_MAX = 1_024;
const NAMED_MAX = 12;

export function summarise(exchange: Exchange, nowMs: number): string {
  const { requestId, plan, journal, cacheResult, error, fallbackReason, startedMs } = exchange;
  const parts = [`id=${requestId}`, plan?.routeName === undefined ? 'no route' : `route=${plan.routeName}`];
  if (exchange.consumer !== undefined) parts.push(`consumer=${exchange.consumer.name}`);
  if (journal !== undefined) parts.push(...listSteps(journal));
  if (cacheResult !== undefined) parts.push(`cache=${cacheResult}`);
  if (fallbackReason !== undefined) parts.push(`fallback because of ${fallbackReason}`);
  if (error !== undefined) parts.push(`error=${error.code}`);
  parts.push(formatMs(nowMs - startedMs));
  return toFieldText(parts.join('; '));
}

function* listSteps({ policies: steps, attempts, notes }: ExchangeJournal): Generator<string> {
  const policies = steps.filter(decides);
  for (const step of policies.slice(0, NAMED_MAX)) yield describePolicy(step, notes);
  for (const step of attempts.slice(0, NAMED_MAX)) yield describeAttempt(step);
  const more = Math.max(0, policies.length - NAMED_MAX) + Math.max(0, attempts.length - NAMED_MAX);
  if (more > 0) yield `${more} more`;
}

function describePolicy(
  { policy, decision, startedMs, endedMs, code, status }: PolicyStep,
  notes: ExchangeJournal['notes'],
): string {
  const note = notes.find(([about]) => about === policy)?.[1];
  const outcome = [decision, code ?? status].filter((part) => part !== undefined).join(' ');
  // One that answers by itself is still busy.
  const took = endedMs === 0 ? '' : ` ${formatMs(endedMs - startedMs)}`;
  return `${policy}=${outcome}${took}${note === undefined ? '' : ` (${note})`}`;
}

function describeAttempt({ endpoint, cause, startedMs, headMs, endedMs, status, code, outcome }: AttemptStep): string {
  const what = code ?? (status === 0 ? (outcome ?? 'running') : status);
  const endMs = headMs > 0 ? headMs : endedMs;
  const took = endMs > 0 ? ` ${formatMs(endMs - startedMs)}` : '';
  return `${cause}=${endpoint} ${what}${took}`;
}

function formatMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`;
}

/** Names come from the configuration, and may have letters that no field has. */
function toFieldText(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > SUMMARY_LENGTH_MAX ? `${plain.slice(0, SUMMARY_LENGTH_MAX - 1)}~` : plain;
}
