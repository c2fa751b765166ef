import { request } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '#base/limits.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { ProbeAnswer, ProbeRequest } from './probe-answer.ts';

/** Asks once over a connection of its own. Whoever made the socket destroys it afterwards. */
export function askHttp1(socket: Socket, { method, path, authority, headers }: ProbeRequest): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const fields = { ...headers, host: authority };
    const sent = request({ method, path, headers: fields, createConnection: () => socket }, (response) => {
      const status = response.statusCode ?? 0;
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length < limits.healthAnswerBytesMax) return;
        resolve({ status, text: text.slice(0, limits.healthAnswerBytesMax), grpcStatus: undefined });
        socket.destroy();
      });
      response.on('end', () => resolve({ status, text, grpcStatus: undefined }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    // After all others, for endings that nobody has told of.
    sent.on('close', () => reject(upstreamErrors.lostBeforeAnswer()));
    sent.end();
  });
}
