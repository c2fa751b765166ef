// `npm start`: a small drone-delivery shop. Four services run in this process, Gatehouse runs in front of them as a process
// of its own, as it would anywhere else. Ctrl-C ends it all.

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { startAccounts } from './services/accounts.ts';
import { startDeliveries } from './services/deliveries.ts';
import { startDrones } from './services/drones.ts';
import type { Service } from './services/json-service.ts';
import { startPackages } from './services/packages.ts';

type Gateway = ChildProcessByStdio<null, Readable, null>;

const gatehousePath = join(import.meta.dirname, '../../bin/gatehouse');
const configPath = join(import.meta.dirname, 'gatehouse.yaml');
const certsPath = join(import.meta.dirname, 'certs');
const drainMs = 5_000;

createCertificate();
const services = await startServices();
const gateway = startGateway(services);
const demo = { isEnding: false };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
// However this process ends, the gateway does not outlive it.
process.once('exit', () => gateway.kill('SIGKILL'));

const hosts: { web?: string; secure?: string; admin?: string } = {};
createInterface({ input: gateway.stdout }).on('line', (line) => {
  console.log(line);
  const listening = /^listening (web|secure|admin) \S+:(\d+)/.exec(line);
  if (listening === null) return;
  const [, name, port] = listening;
  hosts[name as keyof typeof hosts] = name === 'admin' ? `127.0.0.1:${port}` : `localhost:${port}`;
  const { web, secure, admin } = hosts;
  if (web !== undefined && secure !== undefined && admin !== undefined) printGuide(web, secure, admin);
});

try {
  const [status] = await once(gateway, 'close');
  if (!demo.isEnding)
    console.error('\nGatehouse ended. If a port is taken, choose others: PORT=8090 HTTPS_PORT=8453 ADMIN_PORT=9090 npm start');
  process.exitCode = demo.isEnding ? (status ?? 1) : status || 1;
} finally {
  await Promise.all(services.map((service) => service.stop()));
}

/** An authority and a certificate for this machine, made by the first start and kept. */
function createCertificate(): void {
  execFileSync(gatehousePath, ['certs', 'dev', '--out', certsPath], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Port 0 for every service: whatever else runs on this machine, the demo finds room. */
function startServices(): Promise<Service[]> {
  return Promise.all([startAccounts(0), startPackages(0), startPackages(0, 'packages-next'), startDeliveries(0), startDrones(0)]);
}

/** Starts Gatehouse and tells it where the services are: `PACKAGES_NEXT_URL=http://127.0.0.1:41234`. */
function startGateway(upstreams: readonly Service[]): Gateway {
  const addresses = upstreams.map(({ name, url }) => [`${name.toUpperCase().replaceAll('-', '_')}_URL`, url]);
  return spawn(gatehousePath, ['start', '--config', configPath], {
    env: { ...process.env, ...Object.fromEntries(addresses) },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A process group of its own: Ctrl-C in a terminal reaches this process only, and Gatehouse gets exactly one signal.
    // A second one would tell it to end without draining.
    detached: true,
  });
}

/** Lets the gateway finish what it is doing. Feeds never finish by themselves, so the services end those. */
function end(): void {
  // Ctrl-C may arrive twice, from the terminal and from npm: only the first one counts.
  if (demo.isEnding) return;
  demo.isEnding = true;
  gateway.kill('SIGTERM');
  for (const service of services) service.endFeeds();
  setTimeout(() => gateway.kill('SIGTERM'), drainMs).unref();
}

function printGuide(host: string, secureHost: string, adminHost: string): void {
  console.log(`
The drone-delivery shop is open: http://${host}
What goes through it, live: console http://${adminHost}/

${services.map(({ name, url }) => `  ${name.padEnd(14)} ${url}`).join('\n')}

Try in another terminal:

  # What is there?
  curl http://${host}/

  # The same over TLS. The authority in that file was made for this machine; nothing but this command trusts it.
  curl --cacert ${relative(process.cwd(), join(certsPath, 'ca.pem'))} https://${secureHost}/

  # One customer, from the accounts service.
  curl http://${host}/accounts/ada

  # The same customer with packages, deliveries and drones: four services, one answer.
  curl http://${host}/api/overview/ada

  # Send a package by drone.
  curl -i http://${host}/deliveries -H 'content-type: application/json' -d '{"packageId":"p-2","droneId":"kestrel"}'

  # Follow that delivery until it arrives (server-sent events).
  curl -N http://${host}/deliveries/d-3/events

  # The next release of packages: see x-served-by.
  curl -i -H 'x-canary: yes' http://${host}/packages

  # Where is the drone? (WebSocket)
  node -e 'new WebSocket("ws://${host}/drones/kestrel/feed").onmessage = (message) => console.log(message.data)'

Ctrl-C ends everything. From here on, one line for each request.
`);
}
