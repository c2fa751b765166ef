/**
 * A service with a capacity: so many workers that take a fixed time for each request, and a line before them that nobody
 * sees. Usage: node bench/support/workers-program.ts; prints its port. `WORKERS` and `WORK_MS` say how many and how long.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';

const workers = Number(process.env['WORKERS'] ?? 10);
const workMs = Number(process.env['WORK_MS'] ?? 40);
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone';

/** When each worker is free. A late timer delays one answer, and not those behind it. */
const freeMs: number[] = new Array(workers).fill(0);

/** Everybody's turn is known on arrival: the worker that is free first. */
function work(socket: Socket): void {
  const nowMs = performance.now();
  const worker = freeMs.indexOf(Math.min(...freeMs));
  const endsMs = Math.max(nowMs, freeMs[worker]!) + workMs;
  freeMs[worker] = endsMs;
  setTimeout(() => socket.write(answer), endsMs - nowMs);
}

if (import.meta.main) {
  // It never outlives the benchmark that started it.
  process.stdin.resume().once('end', () => process.exit());
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    // Each of the gateway's connections carries one request at a time, without a body.
    socket.on('data', (bytes) => {
      if (bytes.includes('\r\n\r\n')) work(socket);
    });
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
  });
}
