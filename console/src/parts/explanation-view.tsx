/** What would happen to a request, as the gateway explains it. */
import type { EndpointChoice, Explanation, OtherRoute } from '../api/answers.ts';
import { toHash } from '../router.ts';
import { Badge } from './status-text.tsx';

export function ExplanationView({ explanation }: { readonly explanation: Explanation }) {
  const { route, ownPath, outranked, nearMisses } = explanation;
  return (
    <div className="explanation">
      {route !== undefined ? (
        <Chosen route={route} />
      ) : ownPath !== undefined ? (
        <p>No route takes this request. Its path belongs to a policy, which answers it: {ownPath.policies.join(' → ')}.</p>
      ) : (
        <p>
          <Badge tone="warn">404</Badge> No route takes this request.
        </p>
      )}
      <Others title="Match too, but rank lower" routes={outranked} />
      <Others title="Near misses" routes={nearMisses} />
    </div>
  );
}

function Chosen({ route }: { readonly route: NonNullable<Explanation['route']> }) {
  const captures = Object.entries(route.captures);
  return (
    <>
      <p className="explanation-route">
        Taken by <a href={toHash(['routes', route.name])}>{route.name}</a>{' '}
        <code>
          {route.host}
          {route.path}
        </code>
      </p>
      <dl className="facts">
        <Lines title="Because" lines={route.because} />
        <Lines title="Captures" lines={captures.map(([name, value]) => `${name} = ${value}`)} />
        <Lines title="Policies" lines={route.policies.length === 0 ? [] : [route.policies.join(' → ')]} />
        <Lines title="Goes to" lines={[route.destination]} />
        <Lines title="Sent to" lines={route.forwarding} />
        <Lines title="Protected by" lines={route.protection} />
        <Lines title="Details" lines={route.details} />
        <Lines title="Falls back to" lines={route.fallback === undefined ? [] : [route.fallback.to, ...route.fallback.instead]} />
      </dl>
      {route.endpoints
        .filter(({ candidates }) => candidates.length > 1)
        .map((choice) => (
          <Choice key={choice.service} choice={choice} />
        ))}
    </>
  );
}

function Lines({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {lines.map((line) => (
          <span key={line} className="line breaking">
            {line}
          </span>
        ))}
      </dd>
    </div>
  );
}

function Choice({ choice }: { readonly choice: EndpointChoice }) {
  return (
    <table className="table explanation-choice">
      <caption>
        {choice.service} chooses by {choice.balance}: {choice.because}
      </caption>
      <tbody>
        {choice.candidates.slice(0, 10).map(({ url, weight, percent }) => (
          <tr key={url}>
            <td className="mono breaking">{url}</td>
            <td className="number quiet">weight {weight}</td>
            <td className="number">{percent} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Others({ title, routes }: { readonly title: string; readonly routes: readonly OtherRoute[] }) {
  if (routes.length === 0) return null;
  return (
    <section className="explanation-others">
      <h3>{title}</h3>
      <ul>
        {routes.slice(0, 10).map(({ route, because, path }) => (
          <li key={`${route} ${path}`}>
            <a href={toHash(['routes', route])}>{route}</a> <code>{path}</code> <span className="quiet">{because}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
