import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';

/** Lines end with a line feed and are ASCII. */
export interface LineFormat {
  toLine(exchange: Exchange): string;
  toTcpLine(connection: TcpConnection): string;
}
