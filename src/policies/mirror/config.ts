import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { entryName } from '#schema/name.ts';
import { percentage } from '#schema/percentage.ts';

export const mirrorConfig = z.strictObject({
  to: entryName().describe('The name of the service that is sent the copies.'),
  percent: percentage().prefault('100%').describe('How many of the requests are copied, such as `10%` or `0.5%`.'),
  maxBody: bytes({ max: '1MiB' }).prefault('64KiB').describe('Requests with longer bodies are not copied.'),
  timeout: duration({ min: '10ms', max: '1m' })
    .prefault('5s')
    .describe('How long a copy may take, from the head of the request to the end of the answer that nobody reads.'),
});
