/** Recordings that operators ask for: each is told its lines as events, for as long as it likes. */
import { adminErrors } from '#admin/admin-errors.ts';
import type { Operator } from '#admin/operator.ts';
import type { RecordingAdministration } from '#admin/recording-administration.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { AskedRecording } from '#config/recording-schema.ts';
import { toAskedRules } from './recording-rules-of.ts';
import type { RecordingSide } from './recording-side.ts';

export interface OperatorRecordingsOptions {
  readonly logger: Logger;
  readonly side: RecordingSide;
  findConfiguration(): Configuration | undefined;
}

const MS_PER_SECOND = 1_000;

export class OperatorRecordings implements RecordingAdministration {
  readonly #options: OperatorRecordingsOptions;

  constructor(options: OperatorRecordingsOptions) {
    this.#options = options;
  }

  async start(
    asked: AskedRecording,
    seconds: number,
    { by, address }: Operator,
  ): Promise<ReadableStream<Uint8Array> | GatewayError> {
    const { side, logger, findConfiguration } = this.#options;
    const known = findConfiguration()?.routes ?? {};
    const unknown = asked.routes?.find((name) => !Object.hasOwn(known, name));
    if (unknown !== undefined) return adminErrors.malformedRequest(undefined, { publicDetail: `there is no route ${unknown}` });
    if (!side.hasRoom) return adminErrors.tooManyRecordings();
    const { routes, sample } = asked;
    logger.log('info', 'recording started', { by, address, seconds, sample, routes });
    return openEvents(side, asked, seconds);
  }
}

async function openEvents(side: RecordingSide, asked: AskedRecording, seconds: number): Promise<ReadableStream<Uint8Array>> {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let lines = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      cancel: () => leave(),
    },
    { highWaterMark: limits.recordingPendingBytesMax, size: (piece) => piece?.length ?? 0 },
  );
  const id = await side.start(toAskedRules(asked), (line) => {
    const event = Buffer.from(`event: exchange\ndata: ${line}\n`);
    // Whoever reads slowly misses some.
    if (controller === undefined || (controller.desiredSize ?? 0) < event.length) return 'refused';
    controller.enqueue(event);
    lines += 1;
    return 'taken';
  });
  // So that the client has the head of the answer at once.
  controller?.enqueue(Buffer.from(': recording\n\n'));
  const timer = setTimeout(() => {
    const ending = controller;
    leave();
    ending?.enqueue(Buffer.from(`event: end\ndata: ${JSON.stringify({ lines })}\n\n`));
    ending?.close();
  }, seconds * MS_PER_SECOND);
  timer.unref();
  function leave(): void {
    controller = undefined;
    clearTimeout(timer);
    side.end(id);
  }
  return stream;
}
