import type { Service } from '../api/answers.ts';
import { useResource } from '../api/use-resource.ts';
import { Panel } from '../parts/panel.tsx';
import { ServiceTable } from '../parts/service-table.tsx';
import { Shown } from '../parts/states.tsx';

/** All services with their health. */
export function ServicesPage() {
  const services = useResource<{ services: readonly Service[] }>('/api/services', 5_000);
  return (
    <Panel title="Services" aside={services.data && `${services.data.services.length}`} isFlush>
      <Shown resource={services} rows={10}>
        {(data) => <ServiceTable services={data.services} />}
      </Shown>
    </Panel>
  );
}
