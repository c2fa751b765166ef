/** A service on a socket that answers each request as a test says, and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

export interface AskedOfService {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Answers in another way than with a text. */
  readonly response: ServerResponse;
}

/** A text is the body of a JSON answer; `undefined`: the test answers itself, or nobody does. */
export type ServiceScript = (asked: AskedOfService) => string | { status: number; body: string } | undefined;

export interface AnsweringService {
  readonly url: string;
  readonly asked: AskedOfService[];
  /** As `GET /path?query`. */
  readonly targets: readonly string[];
  /** Another script from now on. */
  answer(script: ServiceScript): void;
}

export async function startAnsweringService(t: TestContext, first: ServiceScript): Promise<AnsweringService> {
  const asked: AskedOfService[] = [];
  let script = first;
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const question = { method, target: url, headers, body: await text(request), response };
    asked.push(question);
    const answer = script(question);
    if (answer === undefined) return;
    const { status, body } = typeof answer === 'string' ? { status: 200, body: answer } : answer;
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get targets() {
      return asked.map(({ method, target }) => `${method} ${target}`);
    },
    answer(next) {
      script = next;
    },
  };
}
