import { toPercent } from '#base/percent.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { definePolicy, type PhaseResult } from '#pipeline/policy.ts';
import { findInFields, ValueTest } from '#routing/value-test.ts';
import type { FaultConfig } from './config.ts';
import { faultErrors } from './errors.ts';

/** Ends the wait of an exchange. */
const waitSlot = defineSlot<() => void>('fault delay');

/** Makes requests wait or fail on purpose, so that everybody sees what happens when a service is slow or down. */
export const faultPolicy = definePolicy({
  name: 'fault',
  summary: 'Makes requests wait or fail on purpose.',
  loadConfig: async () => (await import('./config.ts')).faultConfig,
  errors: faultErrors,
  describe: describeFault,
  create({ delay, abort, when }, { random, later }) {
    const conditions = Object.entries(when?.headers ?? {}).map(([name, condition]) => ({ name, test: new ValueTest(condition) }));
    const isMeant = ({ request }: Exchange) =>
      conditions.every(({ name, test }) => test.accepts(findInFields(request.fields, name, test)));
    const isDrawn = (chance: { readonly percent: number } | undefined) => chance !== undefined && random() < chance.percent;
    return {
      requestHead(exchange): PhaseResult | Promise<PhaseResult> {
        if (!isMeant(exchange)) return undefined;
        // Both are drawn, so that each share is what it says whatever the other one is.
        const isDelayed = isDrawn(delay);
        const result = isDrawn(abort) ? faultErrors.aborted({}, { status: abort!.status }) : undefined;
        return isDelayed ? waitThen(exchange, result, { delayMs: delay!.for, later }) : result;
      },
      // A client that leaves ends the wait, and with it all that waits for it.
      finish: (exchange) => exchange.get(waitSlot)?.(),
    };
  },
});

function waitThen(
  exchange: Exchange,
  result: PhaseResult,
  { delayMs, later }: { readonly delayMs: number; readonly later: (delayMs: number, run: () => void) => () => void },
): Promise<PhaseResult> {
  return new Promise((resolve) => {
    const goOn = () => resolve(result);
    const callOff = later(delayMs, goOn);
    exchange.set(waitSlot, () => {
      callOff();
      goOn();
    });
  });
}

function describeFault({ delay, abort, when }: FaultConfig): string {
  const parts = [
    ...(delay === undefined ? [] : [`${toPercent(delay.percent)} % wait ${delay.for} ms`]),
    ...(abort === undefined ? [] : [`${toPercent(abort.percent)} % get ${abort.status}`]),
  ];
  return `${parts.join(', ')}${when === undefined ? '' : ', by header'}`;
}
