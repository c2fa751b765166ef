/**
 * Makes many calls of gRPC at a time over one connection, to a service that answers none before all are there.
 *
 * Usage: node bench/support/grpc-burst-program.ts '{"port":8080,"calls":1000}'
 * A line on the standard input makes it do so once, and print how it went as one line of JSON.
 */
import { createInterface } from 'node:readline';
import { Client, credentials } from '@grpc/grpc-js';
import { asIs, echoPaths } from './grpc-echo.ts';

export interface BurstPlan {
  readonly port: number;
  readonly calls: number;
}

export interface BurstFigures {
  readonly answered: number;
  readonly failed: number;
  /** From the first call to the last answer. */
  readonly ms: number;
}

const ANSWER_WITHIN_MS = 20_000;

function call(client: Client, message: Buffer): Promise<boolean> {
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  return new Promise((resolve) => {
    client.makeUnaryRequest(echoPaths.hold, asIs, asIs, message, { deadline }, (error) => resolve(error === null));
  });
}

if (import.meta.main) {
  const { port, calls }: BurstPlan = JSON.parse(process.argv[2] ?? '{}');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const message = Buffer.from(String(calls));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async () => {
    const startedMs = performance.now();
    const outcomes = await Promise.all(Array.from({ length: calls }, () => call(client, message)));
    const answered = outcomes.filter(Boolean).length;
    const figures: BurstFigures = { answered, failed: calls - answered, ms: performance.now() - startedMs };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  });
  lines.on('close', () => process.exit());
}
