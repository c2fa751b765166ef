/** Active checks on their own: real endpoints, a clock that a test moves, and a log that it reads. */
import type { TestContext } from 'node:test';
import type { LogFields } from '#base/logger.ts';
import { EndpointBoard, EndpointFlag } from '#services/endpoint-board.ts';
import type { EndpointLists, EndpointRecord } from '#services/endpoint-list.ts';
import { HealthChecks } from '#services/health/health-checks.ts';
import type { HealthSettings, HttpProbeSettings } from '#services/health/health-settings.ts';
import { describeHealth, type EndpointHealth } from '#services/health/service-health.ts';
import { FakeClock } from './fake-clock.ts';
import { createServiceDefinition, SERVICE_SLOT } from './services.ts';

/** A GET of `/healthz` that any 2xx answers. */
export const usualProbe: HttpProbeSettings = {
  kind: 'http',
  method: 'GET',
  path: '/healthz',
  host: undefined,
  headers: {},
  statuses: [{ from: 200, to: 299 }],
  text: undefined,
};

/** Every ten seconds; three failures and two successes count. */
export const usualHealth: HealthSettings = {
  probe: usualProbe,
  everyMs: 10_000,
  timeoutMs: 2_000,
  unhealthyAfter: 3,
  healthyAfter: 2,
  port: undefined,
};

const dns = { servers: [], ttlMinMs: 1_000, ttlMaxMs: 1_000 };

export class HealthService {
  readonly clock = new FakeClock();
  readonly board = new EndpointBoard();
  readonly events: { message: string; fields: LogFields | undefined }[] = [];
  readonly checks: HealthChecks;
  #version = 0;
  #lists: EndpointLists = {};

  /** They end with the test. */
  constructor(t: TestContext) {
    this.checks = new HealthChecks({
      clock: this.clock,
      board: this.board,
      logger: { log: (_level, message, fields) => void this.events.push({ message, fields }) },
      random: () => 0.5,
    });
    t.after(() => this.checks.stop());
  }

  /** Checks these endpoints of one service, `orders`. */
  follow(records: readonly EndpointRecord[], settings: Partial<HealthSettings> = {}): void {
    const checked = { service: createServiceDefinition(), settings: { ...usualHealth, ...settings } };
    this.#lists = { orders: { version: ++this.#version, records, slot: SERVICE_SLOT } };
    this.checks.follow(new Map([['orders', checked]]), this.#lists, dns);
  }

  /** Endpoints stay, and nobody checks them any more. */
  uncheck(records: readonly EndpointRecord[]): void {
    this.#lists = { orders: { version: ++this.#version, records, slot: SERVICE_SLOT } };
    this.checks.follow(new Map(), this.#lists, dns);
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    this.checks.advance();
  }

  get endpoints(): readonly EndpointHealth[] {
    const { board, clock, checks } = this;
    const findCheck = (service: string, url: string) => checks.find(service, url);
    return describeHealth(this.#lists, { board, clock, findCheck }).flatMap(({ endpoints }) => endpoints);
  }

  get states(): string[] {
    return this.endpoints.map(({ state }) => state);
  }

  isUnhealthy(slot: number): boolean {
    return this.board.hasFlag(slot, EndpointFlag.unhealthy);
  }

  get messages(): string[] {
    return this.events.map(({ message }) => message);
  }
}
