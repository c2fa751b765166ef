/**
 * A small service as a program of its own: `node upstream-program.ts HOST PORT`. Answers every request after a moment. At
 * SIGTERM it accepts no more, finishes what runs and ends.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const ANSWER_MS = 2;

const [, , host, port] = process.argv;
let isEnding = false;

const server = createServer((request, response) => {
  request.resume();
  setTimeout(() => {
    if (isEnding) response.setHeader('connection', 'close');
    response.end('ok');
  }, ANSWER_MS);
});
// Kept for as long as the gateway likes.
server.keepAliveTimeout = 0;
server.listen(Number(port), host, () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

process.on('SIGTERM', () => {
  isEnding = true;
  server.close();
});
