/**
 * A directory that refuses: it makes accounts and answers each order as it is told. It checks nothing and issues nothing;
 * what a real authority does is tested with Pebble.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { issueCertificate } from './issued-certificates.ts';

export interface DirectoryAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface AcmeDirectory {
  readonly url: string;
  /** The file of the authority that signed its certificate. */
  readonly ca: string;
  /** Method and path of every request. */
  readonly requests: readonly string[];
  /** What was in the bodies of requests that were signed; signatures are not looked at. */
  readonly payloads: readonly unknown[];
  /** Answers by method and path, whose last part may be `*`; what is not here is answered as a healthy directory would. */
  readonly answers: Map<string, DirectoryAnswer>;
  /** Left unanswered. */
  readonly silent: Set<string>;
}

export async function startAcmeDirectory(t: TestContext): Promise<AcmeDirectory> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-directory-'));
  const { cert, key, ca } = await issueCertificate(['127.0.0.1'], systemClock.wallMs(), 30);
  await writeFile(join(folder, 'ca.pem'), ca);
  const requests: string[] = [];
  const payloads: unknown[] = [];
  const answers = new Map<string, DirectoryAnswer>();
  const silent = new Set<string>();
  const server = createServer({ cert, key }, (request, response) => {
    const asked = `${request.method} ${request.url}`;
    requests.push(asked);
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    // Not before all is read: who has the answer may look at what was asked.
    request.on('end', () => {
      if (text !== '') payloads.push(readPayload(text));
      if (silent.has(asked)) return;
      const { status, headers, body } = answers.get(asked) ??
        answers.get(asked.replace(/[^/]+$/, '*')) ??
        healthyAnswers(origin).get(asked) ?? { status: 404 };
      response.writeHead(status, { 'replay-nonce': `nonce-${requests.length}`, 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const origin = `https://127.0.0.1:${address.port}`;
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { url: `${origin}/directory`, ca: join(folder, 'ca.pem'), requests, payloads, answers, silent };
}

function readPayload(text: string): unknown {
  const { payload } = JSON.parse(text) as { readonly payload: string };
  return payload === '' ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString());
}

export function toProblem(type: string, detail: string): object {
  return { type: `urn:ietf:params:acme:error:${type}`, detail };
}

function healthyAnswers(origin: string): Map<string, DirectoryAnswer> {
  return new Map<string, DirectoryAnswer>([
    [
      'GET /directory',
      {
        status: 200,
        body: {
          newNonce: `${origin}/nonce`,
          newAccount: `${origin}/account`,
          newOrder: `${origin}/order`,
          renewalInfo: `${origin}/renewal`,
        },
      },
    ],
    ['HEAD /nonce', { status: 200 }],
    ['POST /account', { status: 201, headers: { location: `${origin}/account/1` }, body: { status: 'valid' } }],
  ]);
}
