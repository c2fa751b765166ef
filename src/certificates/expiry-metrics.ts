/** When certificates expire, in the text form that Prometheus reads (version 0.0.4). */
import type { CertificateFacts } from './certificate-facts.ts';

const NAME = 'gatehouse_certificate_expiry_seconds';

/** One line for each listener and first name; of several certificates for the same name the one that expires first. */
export function toExpiryMetrics(facts: readonly CertificateFacts[]): string {
  const seconds = new Map<string, number>();
  for (const { use, names, notAfterMs } of facts) {
    const name = names[0] ?? use.names[0];
    if (use.listener === undefined || notAfterMs === undefined || name === undefined) continue;
    const labels = `{listener="${escapeLabel(use.listener)}",name="${escapeLabel(name)}"}`;
    seconds.set(labels, Math.min(notAfterMs / 1000, seconds.get(labels) ?? Number.POSITIVE_INFINITY));
  }
  const lines = [...seconds].map(([labels, value]) => `${NAME}${labels} ${value}\n`);
  return `# HELP ${NAME} When the certificate expires, in seconds since 1970.\n# TYPE ${NAME} gauge\n${lines.join('')}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
