/**
 * Endpoints that Consul knows, asked for with blocking queries
 * (https://developer.hashicorp.com/consul/api-docs/features/blocking): each question says what was answered last, and is held
 * back until that has changed. While Consul is away, slow or wrong, the endpoints before stay.
 */
import { WheelAlarm } from '#base/wheel-alarm.ts';
import type { DiscoveryConfiguration } from '#config/configuration.ts';
import type { EndpointSource, EndpointSourceMeans, EndpointTarget } from '#services/endpoint-source.ts';
import { SourceOutage } from '#services/source-outage.ts';
import { readConsulAnswer } from './consul-answer.ts';
import { askConsul, type ConsulReply } from './consul-http.ts';
import { QuestionAllowance } from './question-allowance.ts';

export type ConsulSettings = Extract<DiscoveryConfiguration, { kind: 'consul' }>;

/** Consul adds up to a sixteenth to the wait, and the answer has to come over. */
const WAIT_SHARE_ADDED = 1 / 16;
const ANSWER_PATIENCE_MS = 5_000;
/** A question that is not held back. */
const NO_INDEX = 0;
/** The documentation of Consul: always safe to block on, also where nothing is there yet. */
const FIRST_INDEX = 1;
const FAILURE_DELAY_MIN_MS = 500;
const FAILURE_DELAY_MAX_MS = 30_000;
const SHOWN_TEXT_MAX = 200;

export class ConsulEndpoints implements EndpointSource {
  readonly #settings: ConsulSettings;
  readonly #means: EndpointSourceMeans;
  readonly #alarm: WheelAlarm;
  readonly #patience: WheelAlarm;
  readonly #outage: SourceOutage;
  readonly #allowance: QuestionAllowance;
  #question = new AbortController();
  #index = NO_INDEX;
  #failures = 0;
  /** Consul has started anew, and may not have been told of all instances yet. */
  #mayHaveForgotten = false;
  #isStopped = false;

  constructor(settings: ConsulSettings, means: EndpointSourceMeans) {
    this.#settings = settings;
    this.#means = means;
    this.#alarm = new WheelAlarm(means.wheel, () => void this.#ask());
    this.#patience = new WheelAlarm(means.wheel, () => this.#question.abort());
    this.#outage = new SourceOutage(means, { source: 'consul', name: settings.service });
    this.#allowance = new QuestionAllowance(means.clock);
  }

  start(): void {
    void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm.stop();
    this.#patience.stop();
    this.#question.abort();
  }

  async #ask(): Promise<void> {
    const reason = await this.#exchange();
    if (this.#isStopped) return;
    if (reason === undefined) {
      this.#failures = 0;
      this.#outage.end();
      const pauseMs = this.#allowance.take();
      if (pauseMs === 0) void this.#ask();
      else this.#alarm.ringAfter(pauseMs);
      return;
    }
    this.#failures += 1;
    this.#outage.begin(reason);
    // What was answered before says nothing about a Consul that has been away.
    this.#index = NO_INDEX;
    this.#mayHaveForgotten = true;
    this.#alarm.ringAfter(this.#failureDelayMs());
  }

  /** Asks once, and returns why there was no good answer. */
  async #exchange(): Promise<string | undefined> {
    const { address, token, wait } = this.#settings;
    const question = new AbortController();
    this.#question = question;
    const heldMs = this.#index === NO_INDEX ? 0 : wait * (1 + WAIT_SHARE_ADDED);
    const patienceMs = heldMs + ANSWER_PATIENCE_MS;
    this.#patience.ringAfter(patienceMs);
    try {
      const reply = await askConsul({ address, path: this.#path(), token: token?.reveal() }, question.signal);
      return this.#isStopped ? undefined : this.#take(reply);
    } catch (error) {
      if (question.signal.aborted) return `no answer within ${patienceMs} ms`;
      return explain(error);
    } finally {
      this.#patience.stop();
    }
  }

  #take({ status, index, text }: ConsulReply): string | undefined {
    if (status !== 200) return `the answer was ${status}: ${text.slice(0, SHOWN_TEXT_MAX).replaceAll(/\s+/g, ' ').trim()}`;
    const endpoints = readConsulAnswer(text, this.#settings.scheme);
    if (endpoints === undefined) return 'the answer is not the one of Consul to this question';
    if (index === undefined) return 'the answer has no `x-consul-index`';
    if (index < this.#index) {
      this.#index = NO_INDEX;
      this.#mayHaveForgotten = true;
    } else this.#index = Math.max(index, FIRST_INDEX);
    this.#follow(endpoints);
    return undefined;
  }

  #follow(endpoints: readonly EndpointTarget[]): void {
    // Instances are told to a Consul that started anew one after the other. If there are none still at the answer after
    // this one, there are none.
    const isDoubtful = endpoints.length === 0 && this.#mayHaveForgotten;
    if (this.#index !== NO_INDEX) this.#mayHaveForgotten = false;
    if (isDoubtful) return;
    this.#means.onEndpoints(endpoints);
  }

  #path(): string {
    const { service, tag, datacenter, namespace, passingOnly, wait } = this.#settings;
    const query = new URLSearchParams();
    if (passingOnly) query.set('passing', 'true');
    if (tag !== undefined) query.set('tag', tag);
    if (datacenter !== undefined) query.set('dc', datacenter);
    if (namespace !== undefined) query.set('ns', namespace);
    if (this.#index !== NO_INDEX) {
      query.set('index', String(this.#index));
      query.set('wait', `${wait}ms`);
    }
    return `/v1/health/service/${encodeURIComponent(service)}?${query}`;
  }

  #failureDelayMs(): number {
    const delayMs = Math.min(FAILURE_DELAY_MAX_MS, FAILURE_DELAY_MIN_MS * 2 ** Math.min(this.#failures, 10));
    return delayMs * (0.5 + this.#means.random() / 2);
  }
}

function explain(error: unknown): string {
  // Several addresses were tried in vain: their errors say more than the one around them.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(explain).join('; ');
  return error instanceof Error ? error.message : String(error);
}
