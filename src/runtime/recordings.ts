/** What one thread records. Loaded when something is to be recorded for the first time. */
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import { tapExchange } from '#http/exchange-tap.ts';
import { RoutePlan } from '#pipeline/plan.ts';
import { ExchangeRecorder } from '#telemetry/recording/exchange-recorder.ts';
import type { BodyBudget } from '#telemetry/recording/kept-body.ts';
import { matchesOutcome, matchesRequest, type RecordingRules } from '#telemetry/recording/recording-rules.ts';
import { Redactor } from '#telemetry/recording/redactor.ts';
import { type TakenExchange, takeExchange, toRecorded } from '#telemetry/recording/to-recorded.ts';
import { unpack } from '#telemetry/recording/unpack.ts';
import { RecordingCounts } from './recording-counts.ts';
import type { RecordedLine, RecordingsOrder } from './recording-messages.ts';

export interface RecordingsOptions {
  readonly clock: Clock;
  tell(recorded: RecordedLine): void;
}

interface ActiveRecording {
  readonly rules: RecordingRules;
  readonly redactor: Redactor;
}

interface RunningRecord {
  readonly recorder: ExchangeRecorder;
  /** Of the recordings that want it. */
  readonly ids: ReadonlySet<number>;
}

const recordSlot = defineSlot<RunningRecord>('recording');

export class Recordings implements BodyBudget {
  readonly #options: RecordingsOptions;
  readonly #random = createChanceSource();
  #active: readonly ActiveRecording[] = [];
  #counts = new RecordingCounts();
  #runningCount = 0;
  readonly #waiting: { readonly taken: TakenExchange; readonly wanting: readonly ActiveRecording[] }[] = [];
  #heldBytes = 0;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  follow({ recordings, counts }: RecordingsOrder): void {
    if (counts !== this.#counts.memory) this.#counts = new RecordingCounts(counts);
    this.#active = recordings.map((rules) => ({ rules, redactor: new Redactor(rules.redaction) }));
  }

  begin(exchange: Exchange): void {
    const takers = this.#chooseTakers(exchange);
    if (takers === undefined) return;
    if (exchange.request.upgrade !== undefined) return this.#counts.add('tunnels');
    if (this.#runningCount >= limits.recordedAtOnceMax) return this.#counts.add('busy');
    this.#runningCount += 1;
    const recorder = new ExchangeRecorder(exchange, toBodyLimits(takers), this);
    tapExchange(exchange, recorder);
    exchange.journal ??= new ExchangeJournal(this.#options.clock);
    exchange.set(recordSlot, { recorder, ids: new Set(takers.map(({ rules }) => rules.id)) });
  }

  finish(exchange: Exchange): void {
    const record = exchange.get(recordSlot);
    // Others that asked in its place know of the same record.
    if (record?.recorder.exchange !== exchange) return;
    const { recorder, ids } = record;
    // By what they say now: orders come meanwhile, with each configuration and for each recording that begins or ends.
    const wanting = this.#active.filter(({ rules }) => ids.has(rules.id) && matchesOutcome(rules, recorder));
    const taken = takeExchange(recorder);
    if (wanting.length === 0 || exchange.isTunnel) {
      this.#runningCount -= 1;
      return;
    }
    // Behind whatever is on its way to clients now.
    if (this.#waiting.length === 0) setImmediate(() => this.flush());
    this.#waiting.push({ taken, wanting });
  }

  /** Everything that is over is told. */
  flush(): void {
    for (const { taken, wanting } of this.#waiting.splice(0)) {
      this.#runningCount -= 1;
      for (const taker of wanting) this.#write(taken, taker);
    }
  }

  // What all bodies together may take

  take(bytes: number): number {
    const granted = Math.min(bytes, limits.recordedBodyBytesMax - this.#heldBytes);
    this.#heldBytes += granted;
    return granted;
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** `undefined`: nobody wants it. */
  #chooseTakers({ request, batchOf }: Exchange): ActiveRecording[] | undefined {
    let takers: ActiveRecording[] | undefined;
    for (const active of this.#active) {
      const { sample, match } = active.rules;
      // What came within another request is part of that one.
      if (this.#random() >= sample || batchOf !== undefined || !matchesRequest(match, request)) continue;
      takers ??= [];
      takers.push(active);
    }
    return takers;
  }

  #write(taken: TakenExchange, { rules, redactor }: ActiveRecording): void {
    const { clock } = this.#options;
    const { plan } = taken.recorder.exchange;
    const recorded = toRecorded(taken, {
      redactor,
      shownClient: rules.shownClient,
      requestBytesMax: rules.requestBytesMax,
      answerBytesMax: rules.answerBytesMax,
      unpack,
      wallOffsetMs: clock.wallMs() - clock.monotonicMs(),
      parameters: plan instanceof RoutePlan ? (plan.queryCredentials ?? []).map(({ name }) => name) : [],
    });
    const line = `${JSON.stringify(recorded)}\n`;
    const bytes = Buffer.byteLength(line);
    if (this.#counts.pendingBytes + bytes > limits.recordingPendingBytesMax) return this.#counts.add('slow');
    this.#counts.add('pendingBytes', bytes);
    this.#options.tell({ kind: 'recorded', id: rules.id, line, bytes });
  }
}

function toBodyLimits(takers: readonly ActiveRecording[]): { requestBytesMax: number; answerBytesMax: number } {
  let requestBytesMax = 0;
  let answerBytesMax = 0;
  for (const { rules } of takers) {
    requestBytesMax = Math.max(requestBytesMax, rules.requestBytesMax);
    answerBytesMax = Math.max(answerBytesMax, rules.answerBytesMax);
  }
  return { requestBytesMax, answerBytesMax };
}
