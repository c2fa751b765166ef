// Deliveries: which drone carries which package, and how far it is.
// Nothing here ticks: what a delivery has been through follows from when it was accepted and what time it is now.

import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { feed, found, json, type Reply, type Routes, runAlone, type Service, startJsonService } from './json-service.ts';

const stages = ['accepted', 'loaded', 'flying', 'delivered'] as const;
const deliveriesMax = 1_000;

const order = z.strictObject({
  packageId: z.string().min(1).max(40),
  droneId: z.string().min(1).max(40),
});

interface Delivery {
  readonly id: string;
  readonly packageId: string;
  readonly droneId: string;
  readonly acceptedAtMs: number;
  /** How long each stage lasts. */
  readonly stageMs: number;
}

interface Milestone {
  readonly status: (typeof stages)[number];
  readonly atMs: number;
}

/** Starts the deliveries service; port 0 takes any free port. A delivery spends `stageMs` in each stage. */
export function startDeliveries(port: number, stageMs = 3_000): Promise<Service> {
  const deliveries = new Map<string, Delivery>();

  function accept(what: z.infer<typeof order>, acceptedAtMs: number): Delivery {
    const delivery = { id: `d-${deliveries.size + 1}`, ...what, acceptedAtMs, stageMs };
    deliveries.set(delivery.id, delivery);
    return delivery;
  }

  function create(body: unknown): Reply {
    const what = order.safeParse(body);
    if (!what.success) return json(400, { error: z.prettifyError(what.error) });
    if (deliveries.size >= deliveriesMax) return json(503, { error: 'no more deliveries today' });
    const delivery = accept(what.data, Date.now());
    return json(201, describe(delivery), { location: `/deliveries/${delivery.id}` });
  }

  const routes: Routes = {
    'GET /deliveries': () => json(200, [...deliveries.values()].map(describe)),
    'POST /deliveries': ({ body }) => create(body),
    'GET /deliveries/:id': ({ params }) => {
      const delivery = deliveries.get(params['id'] ?? '');
      return found(delivery && describe(delivery));
    },
    'GET /deliveries/:id/events': ({ params, ended }) => {
      const delivery = deliveries.get(params['id'] ?? '');
      return delivery ? feed(follow(delivery, ended)) : found(undefined);
    },
  };

  const nowMs = Date.now();
  accept({ packageId: 'p-1', droneId: 'swift' }, nowMs - 60_000); // delivered a while ago
  accept({ packageId: 'p-3', droneId: 'albatross' }, nowMs); // under way
  return startJsonService({ name: 'deliveries', port, routes });
}

/** What a client sees of a delivery right now. */
function describe(delivery: Delivery) {
  const nowMs = Date.now();
  const plan = milestones(delivery);
  const history = plan.filter(({ atMs }) => atMs <= nowMs).map(toEvent);
  return {
    id: delivery.id,
    packageId: delivery.packageId,
    droneId: delivery.droneId,
    status: history.at(-1)?.status ?? 'accepted',
    eta: plan.map(toEvent).at(-1)?.at,
    history,
  };
}

/** Tells the history of a delivery, then goes on as it happens, until it is delivered. */
async function* follow(delivery: Delivery, ended: AbortSignal) {
  for (const milestone of milestones(delivery)) {
    await delay(Math.max(0, milestone.atMs - Date.now()), undefined, { signal: ended });
    yield toEvent(milestone);
  }
}

function milestones({ acceptedAtMs, stageMs }: Delivery): Milestone[] {
  return stages.map((status, position) => ({ status, atMs: acceptedAtMs + position * stageMs }));
}

function toEvent({ status, atMs }: Milestone) {
  return { status, at: new Date(atMs).toISOString() };
}

if (import.meta.main) await runAlone(startDeliveries, 4103);
