/**
 * Makes calls of gRPC with the library for Node: each connection calls, waits for the answer, pauses, and calls again.
 *
 * Usage: node bench/support/grpc-load-program.ts '{"port":8080,"path":"/bench.Echo/Get","connections":1,"pauseMs":2}'
 * A line on the standard input makes it print, as one line of JSON, what happened since the line before.
 */
import { createInterface } from 'node:readline';
import { Client, credentials } from '@grpc/grpc-js';
import { asIs } from './grpc-echo.ts';
import { LatencyWindow } from './latency-window.ts';
import type { LoadPlan } from './load-program.ts';

const MESSAGE = Buffer.alloc(100, 'm');
const ANSWER_WITHIN_MS = 10_000;

function callForEver(client: Client, plan: LoadPlan, window: LatencyWindow): void {
  const startedMs = performance.now();
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  client.makeUnaryRequest(plan.path, asIs, asIs, MESSAGE, { deadline }, (error) => {
    if (error === null) window.add((performance.now() - startedMs) * 1000);
    else window.fail(`${error.code} ${error.details}`);
    setTimeout(callForEver, plan.pauseMs, client, plan, window);
  });
}

const plan: LoadPlan = JSON.parse(process.argv[2] ?? '{}');
const window = new LatencyWindow();
for (let index = 0; index < plan.connections; index += 1) {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  callForEver(new Client(`127.0.0.1:${plan.port}`, credentials.createInsecure(), options), plan, window);
}
const lines = createInterface({ input: process.stdin });
lines.on('line', () => process.stdout.write(`${JSON.stringify(window.take())}\n`));
lines.on('close', () => process.exit());
