/** A gateway with an admin API, asked as operators ask it. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import type { OperatorRole } from '#config/operator-roles.ts';
import { type Answer, type Asked, ask } from './ask.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './test-gateway.ts';

/** A token for each role, by its name. */
export const roleTokens = {
  rea: { role: 'read', token: 'rea-0123456789abcdef' },
  opa: { role: 'operate', token: 'opa-0123456789abcdef' },
  ann: { role: 'admin', token: 'ann-0123456789abcdef' },
} as const satisfies Readonly<Record<string, { role: OperatorRole; token: string }>>;

export interface AdminAsked extends Omit<Asked, 'body'> {
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface AdminBench {
  readonly gateway: TestGateway;
  readonly port: number;
  /** Asks with the token of the role `admin`, where nothing else is said. */
  ask(method: string, path: string, asked?: AdminAsked): Promise<Answer>;
  /** The same, and the answer is JSON with status 200. */
  read<Value>(method: string, path: string, asked?: AdminAsked): Promise<Value>;
}

const loopback = '127.0.0.1:0';

export async function startAdminBench(
  t: TestContext,
  input: Partial<GatewayInput> = {},
  options: TestGatewayOptions = {},
): Promise<AdminBench> {
  const admin = { address: loopback, apply: true, tokens: roleTokens, ...input.admin };
  const gateway = await startTestGateway({ ...input, admin }, options);
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const askIt: AdminBench['ask'] = (method, path, { token = roleTokens.ann.token, json, headers, ...asked } = {}) => {
    const shown = token === '' ? {} : { authorization: `Bearer ${token}` };
    const sent = json === undefined ? {} : { body: JSON.stringify(json) };
    const type = json === undefined ? {} : { 'content-type': 'application/json' };
    return ask(port, path, { method, ...sent, ...asked, headers: { ...shown, ...type, ...headers } });
  };
  return {
    gateway,
    port,
    ask: askIt,
    async read(method, path, asked) {
      const { status, body } = await askIt(method, path, asked);
      assert.equal(status, 200, body);
      return JSON.parse(body);
    },
  };
}

export interface DescribedOperation {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly role: OperatorRole;
  /** It answers with events and does not end by itself. */
  readonly streams: boolean;
}

interface ApiDocument {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            'x-gatehouse-role'?: OperatorRole;
            responses: Readonly<Record<string, { content?: Readonly<Record<string, unknown>> }>>;
          }
        >
      >
    >
  >;
}

/** All operations that the API says it has. */
export async function listOperations(bench: Pick<AdminBench, 'read'>): Promise<DescribedOperation[]> {
  const { paths } = await bench.read<ApiDocument>('GET', '/api/openapi.json');
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { 'x-gatehouse-role': role, responses }]) => {
      assert.ok(role !== undefined, `${method} ${path} says which role it needs`);
      const streams = Object.values(responses).some(({ content }) => content !== undefined && 'text/event-stream' in content);
      return { method: method.toUpperCase(), path, role, streams };
    }),
  );
}

/** Only the status and the code of a refusal; what streams is left. */
export function askStatus(
  port: number,
  path: string,
  { method, token }: { readonly method: string; readonly token: string | undefined },
): Promise<{ readonly status: number; readonly code: string | undefined; readonly detail: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      if (response.headers['content-type'] === 'text/event-stream') {
        response.destroy();
        resolve({ status, code: undefined, detail: undefined });
        return;
      }
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        const problem = status < 400 || text === '' ? {} : JSON.parse(text);
        resolve({ status, code: problem.code, detail: problem.detail });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
