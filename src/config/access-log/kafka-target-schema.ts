/** A topic of Kafka that lines go to, each as a message. */
import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap } from '#schema/forms.ts';
import { hostName } from '#schema/host-kinds.ts';
import { kafkaBroker } from '#schema/kafka-broker.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';

const BROKERS_MAX = 64;
const NAME_LENGTH_MAX = 256;
/** As brokers have it. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

const certificate = z.strictObject({
  cert: filePath('The certificate that the gateway shows, and its chain, PEM. Relative to the configuration file.'),
  key: filePath('The private key of the certificate, PEM. Relative to the configuration file.'),
});

const tlsMap = z.strictObject({
  ca: filePath('Relative to the configuration file.')
    .optional()
    .describe('Certificates that are trusted in the place of those of the system, PEM.'),
  serverName: hostName('The name that certificates of brokers must carry. Without it, the host of each.').optional(),
  certificate: certificate
    .optional()
    .describe('What the gateway shows to brokers that ask for a certificate (mutual TLS, `security.protocol=SSL`).'),
});

const tls = forms('`true`, or a map with `ca`, `serverName` or `certificate`', [
  { isMeant: (value) => value === true, schema: z.literal(true).transform(() => ({}) as z.output<typeof tlsMap>) },
  { isMeant: isMap, schema: tlsMap },
]);

const sasl = z.strictObject({
  mechanism: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .describe('`plain` shows the password itself, and should not go without `tls`; `scram-…` proves that it is known.'),
  username: z.string().min(1).max(NAME_LENGTH_MAX).describe('As whom the gateway logs in.'),
  password: secret().describe('The password, best written as `${env:NAME}`.'),
});

const kafka = z.strictObject({
  brokers: z
    .array(kafkaBroker())
    .min(1)
    .max(BROKERS_MAX)
    .describe('Brokers that are asked for the others, `HOST:PORT`. Name several, so that one of them may be away.'),
  topic: z
    .string()
    .superRefine((topic, context) => {
      if (TOPIC.test(topic) && topic !== '.' && topic !== '..') return;
      const message =
        topic === '' ? 'the topic is empty' : `${quote(topic)} is no topic; write letters, digits, dots, hyphens and underscores`;
      context.addIssue({ code: 'custom', message });
    })
    .describe('The topic. The gateway does not create it.'),
  acks: z
    .enum(['all', 'leader', 'none'])
    .default('all')
    .describe(
      'Who has to have a batch before it counts as sent: all replicas that are in sync, the leader, or nobody, so that losses go unseen (`acks=all`, `1` and `0` of Kafka).',
    ),
  compression: z.enum(['gzip', 'zstd', 'none']).default('gzip').describe('How batches are compressed.'),
  maxBatch: bytes({ min: '1KiB', max: '16MiB' })
    .prefault('512KiB')
    .describe(
      'How long a batch may be before it is compressed. Longer ones than `max.message.bytes` of the topic are refused (1 MiB, unless it says otherwise). A line that is longer by itself makes a batch of its own.',
    ),
  timeout: duration({ min: '100ms', max: '1m' })
    .prefault('10s')
    .describe('How long sending a batch may take, with the connection that it needs.'),
  tls: tls.optional().describe('TLS to all brokers: `true`, or a map. Certificates are verified. Without it, none.'),
  sasl: sasl.optional().describe('How the gateway logs in. Without it, it does not.'),
});

export const kafkaTargetSchema = z
  .strictObject({ kafka: kafka.describe('A topic of Kafka, to which each line goes as a message.') })
  .transform(({ kafka: target }) => ({ kind: 'kafka' as const, ...target }));

export type KafkaTarget = z.output<typeof kafkaTargetSchema>;
