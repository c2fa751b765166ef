/**
 * The service behind the gateway, where nginx is not installed or would be too much: answers each request head with as
 * many bytes as its path's last segment asks for (`/files/100k`, `/files/10m`), otherwise with a small JSON document.
 * Request bodies are not understood. Usage: node bench/support/upstream-program.ts; prints its port.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';

export const smallBody =
  '{"id":12345,"name":"widget","price":19.99,"tags":["a","b","c"],"description":"a product in the catalogue"}';
const small = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${smallBody.length}\r\n\r\n${smallBody}`;
const PIECE = Buffer.alloc(256 * 1024, 'x');
const units: Readonly<Record<string, number>> = { k: 1024, m: 1024 * 1024 };

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let unread = '';
  socket.on('data', (bytes) => {
    unread += bytes.toString('latin1');
    for (let end = unread.indexOf('\r\n\r\n'); end >= 0; end = unread.indexOf('\r\n\r\n')) {
      answer(socket, unread.slice(0, unread.indexOf('\r\n')));
      unread = unread.slice(end + 4);
    }
  });
}

function answer(socket: Socket, requestLine: string): void {
  const asked = /\/(\d+)([km]) /.exec(requestLine);
  if (asked === null) {
    socket.write(small);
    return;
  }
  const size = Number(asked[1]) * units[asked[2]!]!;
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${size}\r\n\r\n`);
  sendBody(socket, size);
}

/** Clients ask for one thing at a time, so nothing else is written before the body is through. */
function sendBody(socket: Socket, size: number): void {
  let left = size;
  while (left > 0) {
    const piece = left >= PIECE.length ? PIECE : PIECE.subarray(0, left);
    left -= piece.length;
    const rest = left;
    if (!socket.write(piece) && rest > 0) {
      socket.once('drain', () => sendBody(socket, rest));
      return;
    }
  }
}

if (import.meta.main) {
  // It never outlives the benchmark that started it.
  process.stdin.resume().once('end', () => process.exit());
  const server = createServer({ noDelay: true }, serve);
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
  });
}
