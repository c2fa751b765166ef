/** What requests cost by route: processor time of one gateway with all the routes, to the same service. */
import { pause } from './child-process.ts';
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts';
import { Load } from './load.ts';
import { readCpuUs } from './process-figures.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { startUpstream } from './upstream.ts';

export interface MeasuredRoute {
  /** Its policies, as they stand in YAML; none when not given. */
  readonly policies?: string;
  /** The field that tells who asks. */
  readonly credential?: string;
  /** Where it leads, as it stands in YAML; the service `small` when not given. */
  readonly to?: string;
  /** What is asked for below the route, which then takes all that is. */
  readonly rest?: string;
  /** JSON that is sent with POST. The first route is `/api/r0`, and so on. */
  readonly body?: string;
}

export interface RouteCosts {
  /** µs of processor time for a request, by route and round. */
  readonly usByRoute: readonly (readonly number[])[];
  readonly failed: number;
}

const CONNECTIONS = 16;
const WARM_UP_MS = 500;
export const GATEWAY_CPU = 0;
export const OTHER_CPU = 1;

/** The routes take turns within a round. */
export async function measureRouteCosts(
  routes: readonly MeasuredRoute[],
  { rounds, seconds, more }: { readonly rounds: number; readonly seconds: number; readonly more?: string },
): Promise<RouteCosts> {
  const upstream = await startUpstream({ cpu: OTHER_CPU });
  const lines = routes.map(
    ({ policies = '', to = 'small', rest }, i) =>
      `  r${i}: { match: { path: "/api/r${i}${rest === undefined ? '' : '/*'}" }, policies: { ${policies} }, to: ${to} }\n`,
  );
  const gateway = await startGateway({
    folder: createScratchFolder(),
    services: { small: upstream.port },
    routes: lines.join(''),
    cpu: GATEWAY_CPU,
    ...(more !== undefined && { more }),
  });
  const usByRoute: number[][] = routes.map(() => []);
  let failed = 0;
  try {
    for (let count = 0; count < rounds; count += 1) {
      for (const [i, costs] of usByRoute.entries()) {
        const { rest } = routes[i]!;
        const path = `/api/r${i}${rest === undefined ? '' : `/${rest}`}`;
        const { usPerRequest, failures } = await measureRequests(gateway, { path, seconds, route: routes[i]! });
        costs.push(usPerRequest);
        failed += failures;
      }
    }
  } finally {
    await Promise.all([upstream.child.end(), gateway.child.end()]);
  }
  return { usByRoute, failed };
}

/** What requests to one path of a gateway cost. */
export async function measureRequests(
  { child, port }: GatewayUnderTest,
  {
    path,
    seconds,
    route: { credential, body },
  }: { readonly path: string; readonly seconds: number; readonly route: MeasuredRoute },
): Promise<{ usPerRequest: number; failures: number }> {
  const plan = {
    port,
    path,
    connections: CONNECTIONS,
    pauseMs: 0,
    ...(credential !== undefined && { credential }),
    ...(body !== undefined && { body }),
  };
  const load = new Load(plan, { cpu: OTHER_CPU });
  await pause(WARM_UP_MS);
  await load.take();
  const beforeUs = readCpuUs(child.pid);
  await pause(seconds * 1_000);
  const { requests, failed } = await load.take();
  const usedUs = readCpuUs(child.pid) - beforeUs;
  await load.end();
  return { usPerRequest: usedUs / requests, failures: failed };
}
