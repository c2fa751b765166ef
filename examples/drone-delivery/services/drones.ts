// Drones: the fleet, and where each drone is, as a WebSocket that sends a position every half second.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { found, json, type Routes, runAlone, type Service, startJsonService } from './json-service.ts';

const depot = { latitude: 51.9977, longitude: -0.7407 };
const circleDegrees = 0.01; // a little more than a kilometre
const circleMs = 60_000;
const positionEveryMs = 500;
const messageBytesMax = 1_024;

interface Drone {
  readonly id: string;
  readonly maxLoadGrams: number;
  /** Where on the circle the drone began, so that no two fly in the same place: 0 to 1. */
  readonly startsAt: number;
  status: 'flying' | 'recalled';
}

function createFleet(): Map<string, Drone> {
  const fleet: Drone[] = [
    { id: 'swift', maxLoadGrams: 1_000, startsAt: 0, status: 'flying' },
    { id: 'kestrel', maxLoadGrams: 2_000, startsAt: 1 / 3, status: 'flying' },
    { id: 'albatross', maxLoadGrams: 9_000, startsAt: 2 / 3, status: 'flying' },
  ];
  return new Map(fleet.map((drone) => [drone.id, drone]));
}

/** Starts the drones service; port 0 takes any free port. */
export async function startDrones(port: number): Promise<Service> {
  const fleet = createFleet();

  const routes: Routes = {
    'GET /drones': () => json(200, [...fleet.values()].map(describe)),
    'GET /drones/:id': ({ params }) => {
      const drone = fleet.get(params['id'] ?? '');
      return found(drone && describe(drone));
    },
    'GET /drones/:id/feed': () => json(426, { error: 'the feed is a WebSocket' }, { upgrade: 'websocket' }),
    'POST /drones/:id/recall': ({ params }) => {
      const drone = fleet.get(params['id'] ?? '');
      if (drone) drone.status = 'recalled';
      return found(drone && describe(drone));
    },
  };

  const service = await startJsonService({ name: 'drones', port, routes });
  const feeds = serveFeeds(service, fleet);
  return {
    ...service,
    endFeeds() {
      service.endFeeds();
      for (const socket of feeds.clients) socket.close(1001, 'the service ends'); // RFC 6455 §7.4.1: going away
    },
    async stop() {
      // Node no longer counts an upgraded connection as its own, so these are ours to close.
      for (const socket of feeds.clients) socket.terminate();
      await service.stop();
    },
  };
}

/** Answers WebSocket handshakes for `/drones/:id/feed`. */
function serveFeeds({ server }: Service, fleet: ReadonlyMap<string, Drone>): WebSocketServer {
  const feeds = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax });
  const path = new URLPattern({ pathname: '/drones/:id/feed' });

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    const match = path.exec(request.url ?? '', 'http://localhost');
    const drone = fleet.get(match?.pathname.groups['id'] ?? '');
    if (drone === undefined) {
      connection.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    feeds.handleUpgrade(request, connection, head, (socket) => sendPositions(socket, drone));
  });
  return feeds;
}

function sendPositions(socket: WebSocket, drone: Drone): void {
  const sendPosition = () => socket.send(JSON.stringify(describe(drone)));
  sendPosition();
  const timer = setInterval(sendPosition, positionEveryMs);
  socket.on('error', () => socket.terminate()); // a client that breaks the protocol loses its feed, nobody else does
  socket.on('close', () => clearInterval(timer));
}

/** What a client sees of a drone right now. */
function describe({ id, status, maxLoadGrams, startsAt }: Drone) {
  return { id, status, maxLoadGrams, position: status === 'flying' ? positionAt(Date.now(), startsAt) : depot };
}

/** Every drone flies a circle around the depot, so its position follows from the time. */
function positionAt(nowMs: number, startsAt: number): typeof depot {
  const angle = 2 * Math.PI * (nowMs / circleMs + startsAt);
  return {
    latitude: toFiveDecimals(depot.latitude + circleDegrees * Math.sin(angle)),
    longitude: toFiveDecimals(depot.longitude + circleDegrees * Math.cos(angle)),
  };
}

/** Five decimals of a degree are about a metre. */
function toFiveDecimals(degrees: number): number {
  return Number(degrees.toFixed(5));
}

if (import.meta.main) await runAlone(startDrones, 4104);
