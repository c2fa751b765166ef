import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { entryName } from '#schema/name.ts';
import { percent } from '#schema/percent.ts';

export const mirrorConfig = z.strictObject({
  to: entryName().describe('The name of the service that is sent the copies.'),
  percent: percent().default(100).describe('How many of the requests are copied, in percent; decimals are allowed.'),
  maxBody: bytes({ max: '1MiB' }).prefault('64KiB').describe('Requests with longer bodies are not copied.'),
  timeout: duration({ min: '10ms', max: '1m' })
    .prefault('5s')
    .describe('How long a copy may take, from the head of the request to the end of the answer that nobody reads.'),
});
