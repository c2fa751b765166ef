import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, type ReadAnswer } from '../support/answers.ts';
import { startClientBench, untilAnswers } from '../support/client-bench.ts';

const host = 'Host: shop\r\n';

/** What is sent, and what must come of it however it is split. The last request is answered with a close where it is refused. */
const corpus: readonly {
  readonly text: string;
  readonly expected: readonly (readonly [status: number, body: string | undefined])[];
}[] = [
  { text: `GET /a HTTP/1.1\r\n${host}\r\n`, expected: [[200, 'GET /a']] },
  { text: `\r\nGET /local/a HTTP/1.1\r\n${host}Accept: a, b\r\nX-Empty:\r\n\r\n`, expected: [[200, 'local']] },
  { text: `POST /p HTTP/1.1\r\n${host}Content-Length: 6\r\n\r\nab\r\n\r\n`, expected: [[200, 'POST /p ab\r\n\r\n']] },
  {
    text: `POST /c HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2;x="y"\r\nab\r\n1\r\nc\r\n0\r\nX-T: u\r\n\r\n`,
    expected: [[200, 'POST /c abc']],
  },
  {
    text: `GET /1 HTTP/1.1\r\n${host}\r\nGET /2 HTTP/1.1\r\n${host}\r\n`,
    expected: [
      [200, 'GET /1'],
      [200, 'GET /2'],
    ],
  },
  {
    text: `POST /local/p HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nabGET /b HTTP/1.1\r\n${host}\r\n`,
    expected: [
      [200, 'local'],
      [200, 'GET /b'],
    ],
  },
  { text: 'GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', expected: [[200, 'GET /old']] },
  { text: `GET /x HTTP/1.1\r\n${host}A : b\r\n\r\n`, expected: [[400, undefined]] },
  { text: `POST /x HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, expected: [[400, undefined]] },
];

test('answers the same wherever a request is split, byte by byte too', async (t) => {
  const bench = await startClientBench(t);
  for (const { text, expected } of corpus) {
    const splits: (readonly string[])[] = [[text], [...text]];
    for (let at = 1; at < text.length; at++) splits.push([text.slice(0, at), text.slice(at)]);
    const clients = await Promise.all(splits.map(() => bench.open()));
    const rounds = Math.max(...splits.map(({ length }) => length));
    for (let round = 0; round < rounds; round++) {
      splits.forEach((parts, i) => {
        const part = parts[round];
        if (part !== undefined) clients[i]!.send(part);
      });
      // One turn to send, one for the gateway to read.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [i, client] of clients.entries()) {
      const answers = await untilAnswers(client, expected.length);
      const seen = answers.map(({ status, body }, n) => [status, expected[n]![1] === undefined ? undefined : body]);
      assert.deepEqual(seen, expected, `${JSON.stringify(splits[i])}`);
      assert.equal(isClosing(answers.at(-1)!), expected.at(-1)![0] === 400);
      client.close();
    }
  }
});

function isClosing(answer: ReadAnswer): boolean {
  return fieldOf(answer, 'connection') === 'close';
}
