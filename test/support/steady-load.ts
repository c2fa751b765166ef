/** Clients that ask a gateway for the same thing all the time, each over a connection of its own. */
import { Agent, get } from 'node:http';

/** On a machine that has much else to do, or stands still for a while. */
const PATIENCE_MS = 120_000;

export class SteadyLoad {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #workers: Promise<void>[];
  readonly #waiters = new Set<() => void>();
  #isEnding = false;
  /** By what came: a status, or the code of an error. */
  readonly outcomes = new Map<string, number>();
  count = 0;

  constructor(port: number, clients: number) {
    this.#port = port;
    this.#workers = Array.from({ length: clients }, () => this.#work());
  }

  /** Resolves when so many more requests have come to their end. */
  async forMore(count: number): Promise<void> {
    const goal = this.count + count;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited in vain for ${goal} requests; ${this.count} are over`)),
        PATIENCE_MS,
      );
      const look = () => {
        if (this.count < goal) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
    });
  }

  /** Lets what runs come to its end; gives what was not answered with 200. */
  async end(): Promise<Record<string, number>> {
    this.#isEnding = true;
    await Promise.all(this.#workers);
    this.#agent.destroy();
    return Object.fromEntries([...this.outcomes].filter(([outcome]) => outcome !== '200'));
  }

  async #work(): Promise<void> {
    while (!this.#isEnding) {
      const outcome = await this.#ask();
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      this.count += 1;
      for (const look of [...this.#waiters]) look();
    }
  }

  #ask(): Promise<string> {
    return new Promise((resolve) => {
      const request = get({ host: '127.0.0.1', port: this.#port, path: '/', agent: this.#agent }, (response) => {
        let body = '';
        response.on('data', (bytes: Buffer) => {
          body += bytes;
        });
        response.on('end', () => resolve(response.statusCode === 200 && body !== 'ok' ? 'cut' : String(response.statusCode)));
        response.on('error', (error) => resolve(error.message));
      });
      request.on('error', (error) => resolve(error.message));
    });
  }
}
