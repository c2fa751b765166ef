import type { TrafficReport } from '../api/answers.ts';
import { Meter } from '../charts/meter.tsx';
import { formatBytes, formatCount, formatMs } from '../formats.ts';

/** How busy the process and each of its threads are. */
export function Saturation({ report }: { readonly report: TrafficReport }) {
  const { threads, process } = report;
  return (
    <>
      <dl className="facts-row">
        <div>
          <dt>Processor</dt>
          <dd>{process.cpu.toFixed(2)} cores</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd>{formatBytes(process.rssBytes)}</dd>
        </div>
        <div>
          <dt>Connections</dt>
          <dd>{formatCount(threads.reduce((sum, { connections }) => sum + connections, 0))}</dd>
        </div>
      </dl>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Thread</th>
            <th scope="col" className="meter-cell">
              Busy
            </th>
            <th scope="col" className="number">
              Delay p99
            </th>
            <th scope="col" className="number from-tablet">
              Heap
            </th>
            <th scope="col" className="number">
              Connections
            </th>
          </tr>
        </thead>
        <tbody>
          {threads.map((thread) => (
            <tr key={thread.number}>
              <td className="number-name">{thread.number}</td>
              <td className="meter-cell">
                <Meter label={`Thread ${thread.number} is busy`} share={thread.utilization} />
              </td>
              <td className="number">{formatMs(thread.eventLoopDelayMs.p99)}</td>
              <td className="number from-tablet">{formatBytes(thread.heapBytes)}</td>
              <td className="number">{formatCount(thread.connections)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
