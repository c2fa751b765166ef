import type { GatewayError } from '#base/errors.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { ClientCertificateConfig } from './config.ts';
import { clientCertificateErrors } from './errors.ts';

/** Lets requests pass whose connection has shown the certificate of a consumer in its TLS handshake. */
export const clientCertificatePolicy = definePolicy({
  name: 'client-certificate',
  summary: 'Lets requests pass whose connection has shown the TLS certificate of a consumer.',
  loadConfig: async () => (await import('./config.ts')).clientCertificateConfig,
  consumerSettings: ['anonymous'],
  errors: clientCertificateErrors,
  describe: ({ anonymous }: ClientCertificateConfig) =>
    `certificate of the TLS handshake${anonymous === undefined ? '' : `, otherwise ${anonymous}`}`,
  create({ anonymous: anonymousName }, { consumers }) {
    const anonymous = anonymousName === undefined ? undefined : consumers.find(anonymousName);
    // RFC 9110 §11.6.1 wants a challenge in each 401; no scheme is registered for what a handshake shows.
    const fields = ['www-authenticate', 'ClientCertificate realm="gatehouse"'];
    const refuse = (detail: Parameters<typeof clientCertificateErrors.refused>[0]) =>
      clientCertificateErrors.refused(detail, { fields });
    return {
      requestHead(exchange): GatewayError | undefined {
        // Of the handshake alone: whatever a field says of certificates, a client has written.
        const { clientCertificate } = exchange.request;
        if (clientCertificate === undefined) {
          // Who has shown something else to another policy stays who that is.
          exchange.consumer ??= anonymous;
          return anonymous === undefined ? clientCertificateErrors.missing(undefined, { fields }) : undefined;
        }
        const { verifyError, subject, fingerprint256 } = clientCertificate;
        if (verifyError !== undefined) return refuse({ reason: 'not verified', fault: verifyError, subject });
        const found = consumers.findByCertificate(clientCertificate);
        if (typeof found === 'string') return refuse({ reason: found, subject, fingerprint: fingerprint256 });
        return consumers.admit(exchange, found) ? undefined : refuse({ reason: 'address', consumer: found.name, subject });
      },
    };
  },
});
