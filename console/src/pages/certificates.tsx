import type { Certificate, Listener } from '../api/answers.ts';
import { useResource } from '../api/use-resource.ts';
import { formatCount, formatDate } from '../formats.ts';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge, type Tone } from '../parts/status-text.tsx';

const EVERY_MS = 30_000;
const SOON_DAYS = 21;
const VERY_SOON_DAYS = 7;

/** Certificates with the time that they have left, and the listeners that show them. */
export function CertificatesPage() {
  const certificates = useResource<{ certificates: readonly Certificate[] }>('/api/certificates', EVERY_MS);
  const listeners = useResource<{ listeners: readonly Listener[] }>('/api/listeners', EVERY_MS);
  return (
    <>
      <Panel title="Certificates" isFlush>
        <Shown resource={certificates} rows={4}>
          {(data) => <CertificateTable certificates={data.certificates} />}
        </Shown>
      </Panel>
      <Panel title="Listeners" isFlush>
        <Shown resource={listeners} rows={3}>
          {(data) => <ListenerTable listeners={data.listeners} />}
        </Shown>
      </Panel>
    </>
  );
}

function CertificateTable({ certificates }: { readonly certificates: readonly Certificate[] }) {
  if (certificates.length === 0) return <Empty title="No certificates">No listener of this gateway has TLS.</Empty>;
  const soonest = certificates.toSorted((a, b) => a.daysLeft - b.daysLeft);
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Names</th>
          <th scope="col" className="from-tablet">
            Used by
          </th>
          <th scope="col" className="from-desk">
            Issuer
          </th>
          <th scope="col" className="from-tablet">
            Source
          </th>
          <th scope="col">Expires</th>
          <th scope="col" className="number">
            Left
          </th>
        </tr>
      </thead>
      <tbody>
        {soonest.map((certificate, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two certificates may be alike in all that is shown
          <tr key={index}>
            <td className="breaking">
              {certificate.names.join(', ')}
              {certificate.problem !== undefined && <span className="line tone-bad">{certificate.problem}</span>}
            </td>
            <td className="from-tablet">{certificate.listener || certificate.service}</td>
            <td className="from-desk quiet breaking">{certificate.issuer}</td>
            <td className="from-tablet">
              <Badge>{certificate.source === 'acme' ? 'ACME' : 'file'}</Badge>
            </td>
            <td className="number-name">{formatDate(certificate.notAfter)}</td>
            <td className="number">
              <Badge tone={toneOfDays(certificate.daysLeft)}>{toLeft(certificate.daysLeft)}</Badge>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function toneOfDays(days: number): Tone {
  if (days < VERY_SOON_DAYS) return 'bad';
  return days < SOON_DAYS ? 'warn' : 'ok';
}

function toLeft(days: number): string {
  if (days < 0) return 'expired';
  return `${formatCount(Math.floor(days))} days`;
}

function ListenerTable({ listeners }: { readonly listeners: readonly Listener[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Listener</th>
          <th scope="col">Address</th>
          <th scope="col" className="from-tablet">
            Protocols
          </th>
          <th scope="col">TLS</th>
          <th scope="col" className="number">
            Connections
          </th>
        </tr>
      </thead>
      <tbody>
        {listeners.map(({ name, url, protocols, tls, connections, refused }) => (
          <tr key={name}>
            <td>{name}</td>
            <td className="mono breaking">{url}</td>
            <td className="from-tablet">{protocols.join(', ')}</td>
            <td>{tls ? <Badge tone="ok">TLS</Badge> : <Badge>plain</Badge>}</td>
            <td className="number">
              {formatCount(connections)}
              {refused > 0 && ` (${formatCount(refused)} refused)`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
