/** A service has changed the protocol: its connection and that of the client become one stream of bytes. */
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { Exchange } from '#http/exchange.ts';
import { PassedResponse } from '#http/passed-response.ts';
import type { AnswerHead } from '#http/upstream-call.ts';
import { Tunnel, type TunnelEnd, type TunnelOwner } from '#net/tunnel.ts';
import { removeField } from '#wire/fields/field-list.ts';
import type { Attempt } from './attempt.ts';

/** False when a policy or the client has ended the exchange meanwhile. */
export function openForwardedTunnel(exchange: Exchange, attempt: Attempt, head: AnswerHead, wheel: TimerWheel): boolean {
  const { call } = attempt;
  if (exchange.isFinished || call === undefined || call.isGone) return false;
  const response = new PassedResponse(head);
  removeField(response.fields, 'x-request-id');
  response.fields.push('upgrade', head.upgrade!);
  attempt.service.affinity?.keepAt(attempt.endpoint, exchange, response);
  exchange.plan?.shapeResponseHead?.(exchange, response);
  if (exchange.isFinished || exchange.hasResponseBegun) return leave(attempt);
  exchange.status = 101;
  exchange.noteAnswer?.(response);
  if (exchange.keepsSentFields) exchange.sentFields = response.fields;
  const client = exchange.client.openTunnel(response);
  if (client === undefined) return leave(attempt);
  const upstream = call.takeTunnel();
  exchange.source = undefined;
  const owner = new ForwardedTunnel(exchange, () => {
    attempt.endTunnel();
    upstream.onTunnelClosed();
    client.onTunnelClosed();
  });
  const tunnel = new Tunnel({ client: client.stream, upstream: upstream.stream }, { wheel, idleMs: client.idleMs }, owner);
  tunnel.start({ fromClient: client.pendingBytes, fromUpstream: upstream.pendingBytes });
  return true;
}

function leave(attempt: Attempt): false {
  attempt.leave();
  return false;
}

class ForwardedTunnel implements TunnelOwner {
  readonly #exchange: Exchange;
  readonly #closeSides: () => void;

  constructor(exchange: Exchange, closeSides: () => void) {
    this.#exchange = exchange;
    this.#closeSides = closeSides;
  }

  onTunnelEnded(_end: TunnelEnd, bytes: { fromClient: number; fromUpstream: number }): void {
    this.#exchange.requestBytes += bytes.fromClient;
    this.#exchange.responseBytes += bytes.fromUpstream;
    this.#closeSides();
  }
}
