/**
 * The lines that are written where nothing else is chosen, which is almost everywhere. A line is put together from few pieces, and
 * what many lines in a row have in common is one of them: each piece more costs when it is added and again when the line is written
 * into the batch.
 */
import type { GatewayError } from '#base/errors.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { ClientRequest, Exchange, ExchangePlan } from '#http/exchange.ts';
import type { LineFormat } from './line-format.ts';
import { toAsciiJson } from './line-text.ts';
import { threeDigits, toMs } from './line-time.ts';
import { type LineMeans, toCallsText, toTriedText } from './line-values.ts';

/** Written out once: most numbers are small, and making text of one is slower than finding it. */
const smallNumbers: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i));

/** Members that come behind the default ones, each with a comma before it. */
interface FurtherMembers {
  more(exchange: Exchange): string;
  moreOfTcp(connection: TcpConnection): string;
}

export class DefaultLines implements LineFormat {
  readonly #means: LineMeans;
  readonly #further: FurtherMembers | undefined;
  #wallMs = Number.NEGATIVE_INFINITY;
  #wallText = '';
  #secondText = '';
  /** Whose `#requestPiece` it is. */
  #lastRequest: ClientRequest | undefined = undefined;
  #requestPiece = '';
  /** By status, of exchanges without a request body. */
  readonly #outcomes: string[] = [];
  readonly #names = new WeakMap<ExchangePlan, Map<string | undefined, Map<string | undefined, string>>>();

  constructor(means: LineMeans, further?: FurtherMembers) {
    this.#means = means;
    this.#further = further;
  }

  toLine(exchange: Exchange): string {
    const { request, startedMs, upstreamHeadMs, plan, error, responseBytes } = exchange;
    let line =
      this.#timeText(startedMs) +
      exchange.requestId +
      this.#requestText(request) +
      escapeTarget(this.#means.redactor.showTarget(exchange));
    line += this.#outcomeText(exchange) + (smallNumbers[responseBytes] ?? responseBytes) + this.#namesOf(plan, exchange);
    line += toMs(exchange.finishedMs - startedMs);
    if (upstreamHeadMs > 0) line += `,"upstreamMs":${toMs(upstreamHeadMs - startedMs)}`;
    if (exchange.trace?.isSampled === true) line += `,"traceId":"${exchange.trace.traceId}","spanId":"${exchange.trace.spanId}"`;
    if (exchange.batchOf !== undefined) line += `,"batchOf":"${exchange.batchOf}"`;
    if (exchange.consumer !== undefined) line += `,"consumer":"${exchange.consumer.name}"`;
    if (exchange.attempts > 1) line += `,"attempts":${exchange.attempts}`;
    if (exchange.calls !== undefined) line += `,"calls":${toCallsText(exchange.calls)}`;
    if (exchange.tried !== undefined) line += `,"tried":${toTriedText(exchange.tried)}`;
    if (exchange.notRetried !== undefined) line += `,"notRetried":${toAsciiJson(exchange.notRetried)}`;
    if (exchange.fallbackReason !== undefined) line += `,"fallback":"${exchange.fallbackReason}"`;
    if (exchange.cacheResult !== undefined) line += `,"cache":"${exchange.cacheResult}"`;
    if (exchange.isTunnel) line += ',"tunnel":true';
    if (error !== undefined) line += toErrorText(error);
    if (exchange.reported !== undefined) line += toReportText(exchange.reported);
    if (this.#further !== undefined) line += this.#further.more(exchange);
    return `${line}}\n`;
  }

  /** There are few of these lines beside those of requests, so nothing of them is kept. */
  toTcpLine(connection: TcpConnection): string {
    const { id, accepted, listener, serverName, serviceName, endpointName, startedMs, connectedMs, error } = connection;
    let line = `${this.#timeText(startedMs) + id}","client":${toAsciiJson(accepted.clientAddress)},"listener":${toAsciiJson(listener)}`;
    line += ',"protocol":"tcp"';
    if (serverName !== undefined) line += `,"serverName":${toAsciiJson(serverName)}`;
    line += `,"requestBytes":${connection.clientBytes},"responseBytes":${connection.upstreamBytes}`;
    line += `,"service":${toAsciiJson(serviceName)}`;
    if (endpointName !== undefined) line += `,"endpoint":${toAsciiJson(endpointName)}`;
    line += `,"durationMs":${toMs(connection.finishedMs - startedMs)}`;
    if (connectedMs > 0) line += `,"connectMs":${toMs(connectedMs - startedMs)}`;
    if (connection.attempts > 1) line += `,"attempts":${connection.attempts}`;
    if (error !== undefined) line += toErrorText(error);
    if (this.#further !== undefined) line += this.#further.moreOfTcp(connection);
    return `${line}}\n`;
  }

  /** The beginning of a line up to the id. */
  #timeText(startedMs: number): string {
    const wallMs = this.#means.time.wallMs(startedMs);
    if (wallMs !== this.#wallMs) {
      const second = Math.floor(wallMs / 1000);
      if (second !== Math.floor(this.#wallMs / 1000))
        this.#secondText = `{"time":"${new Date(wallMs).toISOString().slice(0, 20)}`;
      this.#wallMs = wallMs;
      this.#wallText = `${this.#secondText}${threeDigits[wallMs - second * 1000]}Z","id":"`;
    }
    return this.#wallText;
  }

  /** From behind the id to the target. Most lines in a row are of few clients. */
  #requestText(request: ClientRequest): string {
    const { clientAddress, listener, protocol, method, host } = request;
    const last = this.#lastRequest;
    const isSame =
      last?.clientAddress === clientAddress &&
      last.listener === listener &&
      last.protocol === protocol &&
      last.method === method &&
      last.host === host;
    if (!isSame) {
      // Methods are tokens and hosts are checked: neither holds a quote or a backslash.
      this.#requestPiece = `","client":${toAsciiJson(clientAddress)},"listener":${toAsciiJson(listener)},"protocol":"${protocol}","method":"${method}","host":"${host}","target":"`;
    }
    this.#lastRequest = request;
    return this.#requestPiece;
  }

  /** From behind the target to the length of the answer. */
  #outcomeText({ status, requestBytes }: Exchange): string {
    if (requestBytes > 0) return `","status":${status},"requestBytes":${requestBytes},"responseBytes":`;
    this.#outcomes[status] ??= `","status":${status},"requestBytes":0,"responseBytes":`;
    return this.#outcomes[status]!;
  }

  /** Route, service and endpoint, up to the duration: as many different texts as the configuration has endpoints on routes. */
  #namesOf(plan: ExchangePlan | undefined, { serviceName, endpointName }: Exchange): string {
    if (plan === undefined) return ',"durationMs":';
    let byService = this.#names.get(plan);
    if (byService === undefined) {
      byService = new Map();
      this.#names.set(plan, byService);
    }
    let byEndpoint = byService.get(serviceName);
    if (byEndpoint === undefined) {
      byEndpoint = new Map();
      byService.set(serviceName, byEndpoint);
    }
    let text = byEndpoint.get(endpointName);
    if (text === undefined) {
      text = plan.routeName === undefined ? '' : `,"route":${toAsciiJson(plan.routeName)}`;
      if (serviceName !== undefined) text += `,"service":${toAsciiJson(serviceName)}`;
      if (endpointName !== undefined) text += `,"endpoint":${toAsciiJson(endpointName)}`;
      text += ',"durationMs":';
      byEndpoint.set(endpointName, text);
    }
    return text;
  }
}

function toErrorText({ code, detail }: GatewayError): string {
  return `,"code":"${code}"${detail === undefined ? '' : `,"detail":${toAsciiJson(detail)}`}`;
}

/** What would have happened if a policy did more than report. */
function toReportText({ code, detail }: GatewayError): string {
  return `,"reported":${toAsciiJson({ code, detail })}`;
}

/** Targets are visible ASCII; quotes and backslashes in them are rare enough to leave to JSON. */
function escapeTarget(target: string): string {
  return target.includes('"') || target.includes('\\') ? JSON.stringify(target).slice(1, -1) : target;
}
