/** `gatehouse init`: a configuration to begin with. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findDefaultFile } from '#config/default-file.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const FILE = 'gatehouse.yaml';

const syntax = {
  name: 'init',
  options: {},
  help: `Usage: gatehouse init

Writes a commented ${FILE} to begin with into this folder. Overwrites nothing.

Options:
  -h, --help  this text
`,
} as const;

const STARTER = `# The configuration of Gatehouse. Check it with \`gatehouse check\`, run it with \`gatehouse start\`.
# It is watched while the gateway runs: what you save is taken over, and what has a mistake changes nothing.
version: 1

# Where clients reach the gateway.
listeners:
  web: { address: "\${env:LISTEN:-127.0.0.1:8080}" }

# Health checks: http://127.0.0.1:9080/healthz and /readyz.
admin: { address: "127.0.0.1:9080" }

# The services behind the gateway. Requests are spread over the endpoints of a service.
services:
  orders:
    endpoints:
      - http://127.0.0.1:3000
      # - { url: "http://127.0.0.1:3001", weight: 2 }
    timeouts: { connect: 2s, firstByte: 30s }

# Which requests go where. The most specific match wins, whatever the order.
routes:
  # /orders and everything below it.
  orders:
    match: { path: /orders/* }
    to: orders

  # An answer that the gateway gives itself. Try it: curl http://127.0.0.1:8080/hello/world
  hello:
    match: { path: "/hello/:name", method: GET }
    to: { respond: { json: { hello: "\${path.name}" } } }

  # Old links lead to the new place.
  old-orders:
    match: { path: /shop/orders/* }
    to: { redirect: { path: "/orders/\${path.*}", status: 308 } }

# Policies for every route; a route can set its own under the same name, or switch one off with \`false\`.
policies:
  headers: { response: { set: { x-content-type-options: nosniff } } }
`;

/** Runs the command; the result is the exit status. */
export async function runInit(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const existing = findDefaultFile(io.cwd, existsSync);
  if (existing !== undefined) return refuse(`${existing} is here already; nothing was written`, io);
  try {
    // Fails where another program was faster.
    await writeFile(resolve(io.cwd, FILE), STARTER, { flag: 'wx' });
  } catch (error) {
    return refuse(`${FILE} cannot be written: ${error instanceof Error ? error.message : String(error)}`, io);
  }
  io.stdout(`wrote ${FILE}; check it with \`gatehouse check\`, run it with \`gatehouse start\`\n`);
  return EXIT_OK;
}

function refuse(reason: string, io: CommandIo): number {
  io.stderr(`gatehouse init: ${reason}\n`);
  return EXIT_REFUSED;
}
