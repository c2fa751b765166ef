/** `/api/recordings`: exchanges as they happen, for `gatehouse replay`. */
import { createRoute, z } from '@hono/zod-openapi';
import { askedRecordingSchema } from '#config/recording-schema.ts';
import { adminErrors } from '../admin-errors.ts';
import type { RecordingAdministration } from '../recording-administration.ts';
import { type Api, body, orThrow, refusals } from '../resource.ts';

const SECONDS_MAX = 3_600;
const TEXT_LENGTH_MAX = 256;
const NAMES_MAX = 100;

const names = z.array(z.string().max(TEXT_LENGTH_MAX)).max(NAMES_MAX);
const size = z.string().max(TEXT_LENGTH_MAX).openapi({ example: '16KiB' });

/** What the values have to look like, the schema of the configuration says. */
const recordingOrder = z
  .strictObject({
    seconds: z.int().min(1).max(SECONDS_MAX).openapi({ description: 'How long it goes on.' }),
    sample: z.string().max(TEXT_LENGTH_MAX).optional().openapi({ example: '10%', description: '`1%` where nothing is said.' }),
    routes: names.min(1).optional(),
    match: z
      .strictObject({ methods: names.optional(), hosts: names.optional(), paths: names.optional(), statuses: names.optional() })
      .optional(),
    bodies: z
      .union([z.literal(false), z.strictObject({ request: size.optional(), response: size.optional() })])
      .optional()
      .openapi({ description: 'How much is kept of bodies, or `false` for nothing.' }),
    redact: z
      .strictObject({ headers: names.optional(), query: names.optional(), json: names.optional() })
      .optional()
      .openapi({ description: 'What is replaced besides what always is.' }),
    client: z.enum(['full', 'network', 'hidden']).optional(),
  })
  .openapi('RecordingOrder');

const startRecording = createRoute({
  method: 'post',
  path: '/api/recordings',
  description:
    'Records exchanges from now on. Events `exchange` carry one line of the format of recordings each, without credentials; the event `end` comes last. It ends when its time is over, or when the client goes.',
  request: { body: body(recordingOrder) },
  responses: { 200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } }, ...refusals },
});

export function addRecordings(app: Api, recordings: RecordingAdministration): void {
  app.openapi(startRecording, async (context) => {
    const { seconds, ...rest } = context.req.valid('json');
    const asked = askedRecordingSchema.safeParse(rest);
    if (!asked.success) throw adminErrors.malformedRequest(undefined, { publicDetail: z.prettifyError(asked.error) });
    const events = orThrow(await recordings.start(asked.data, seconds, context.env.operator));
    return context.body(events, 200, { 'content-type': 'text/event-stream' });
  });
}
