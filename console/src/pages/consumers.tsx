import type { Consumer } from '../api/answers.ts';
import { useResource } from '../api/use-resource.ts';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge } from '../parts/status-text.tsx';

/** Who may call, as the configuration says. Credentials are named by their kinds only. */
export function ConsumersPage() {
  const consumers = useResource<{ consumers: readonly Consumer[] }>('/api/consumers', 30_000);
  return (
    <Panel title="Consumers" aside={consumers.data && `${consumers.data.consumers.length}`} isFlush>
      <Shown resource={consumers} rows={4}>
        {(data) => <ConsumerTable consumers={data.consumers} />}
      </Shown>
    </Panel>
  );
}

function ConsumerTable({ consumers }: { readonly consumers: readonly Consumer[] }) {
  if (consumers.length === 0) return <Empty title="No consumers">The configuration names none under consumers.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Consumer</th>
          <th scope="col">Groups</th>
          <th scope="col">Credentials</th>
        </tr>
      </thead>
      <tbody>
        {consumers.map(({ name, groups, credentials }) => (
          <tr key={name}>
            <td className="breaking">{name}</td>
            <td className="inline-list">
              {groups.map((group) => (
                <Badge key={group}>{group}</Badge>
              ))}
            </td>
            <td className="quiet">{[...new Set(credentials)].join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
