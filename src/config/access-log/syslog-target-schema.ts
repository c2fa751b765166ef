/** A syslog server that lines, or events, go to. */
import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { filePath } from '#schema/file-path.ts';
import { syslogUrl } from '#schema/syslog-url.ts';
import { token } from '#schema/token.ts';

/** RFC 5424 §6.2.5 */
const APP_NAME_LENGTH_MAX = 48;
/** What is left of 65,535 for the data of a datagram over IPv4. */
const DATAGRAM_BYTES_MAX = 65_507;

/** RFC 5424 §6.2.1, each at the place of its number. */
export const syslogFacilities = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

export const syslogTargetSchema = z
  .strictObject({
    syslog: syslogUrl('`tcp://HOST:PORT`, `tls://HOST:PORT`, `udp://HOST:PORT` or `unix:PATH`, a stream socket.'),
    facility: z.enum(syslogFacilities).default('local0').describe('The facility of each message (RFC 5424).'),
    app: token()
      .refine((name) => name.length <= APP_NAME_LENGTH_MAX, {
        error: `the name is too long; at most ${APP_NAME_LENGTH_MAX} characters`,
      })
      .prefault('gatehouse')
      .describe('The name of the application in each message.'),
    // RFC 5424 §6.1: every receiver takes 480 bytes.
    maxMessage: bytes({ min: '480B', max: '1MiB' })
      .optional()
      .describe(
        'A longer message is cut, and ends with `[cut]`. At most 65507B over UDP. Without it, 8KiB over UDP, and nothing is cut elsewhere.',
      ),
    sequence: z
      .boolean()
      .default(false)
      .describe(
        'Whether messages are numbered (`[meta sequenceId="7"]`, RFC 5424 §7.3.1), so that the server sees which are missing.',
      ),
    ca: filePath('Relative to the configuration file.')
      .optional()
      .describe('Certificates that are trusted in the place of those of the system, PEM. For `tls://`.'),
  })
  .superRefine(({ syslog: { transport }, maxMessage = 0, ca }, context) => {
    if (transport === 'udp' && maxMessage > DATAGRAM_BYTES_MAX) {
      const message = `a datagram holds at most ${DATAGRAM_BYTES_MAX}B; write less, or \`tcp://\``;
      context.addIssue({ code: 'custom', message, path: ['maxMessage'] });
    }
    // Whoever names an authority believes that messages are encrypted.
    if (transport !== 'tls' && ca !== undefined)
      context.addIssue({ code: 'custom', message: 'only `tls://` has certificates; write `syslog: "tls://…"`', path: ['ca'] });
  })
  .transform(({ syslog: server, ...target }) => ({ kind: 'syslog' as const, server, ...target }));

export type SyslogTarget = z.output<typeof syslogTargetSchema>;
