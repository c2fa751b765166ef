/** What is different of routes themselves, services, listeners, consumers and everything else, by the settings that differ. */
import type { Configuration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import { formatEndpointUrl } from '#services/endpoint-list.ts';
import type { FoundChange, Grade } from './change.ts';
import type { Compared } from './compared.ts';
import { isSame } from './value-differences.ts';

type Graded = readonly [grade: Grade, because: string];

const shorter: Graded = ['risky', 'what took longer before fails now'];
const longer: Graded = ['notable', 'requests may take longer'];

/** What a difference of one setting means. */
const routeSettings: Readonly<Record<string, Graded>> = {
  retry: ['notable', 'services may be asked more or less often'],
  importance: ['notable', 'under load, it is refused sooner or later than before'],
  priority: ['harmless', 'requests that get another route are listed by themselves'],
  matches: ['notable', 'requests that get another route are listed by themselves'],
};

const serviceSettings: Readonly<Record<string, Graded>> = {
  protocol: ['risky', 'the service has to speak another version of HTTP'],
  host: ['risky', 'the service sees another host'],
  proxyProtocol: ['risky', 'the service has to read connections that begin in another way'],
  discover: ['risky', 'endpoints are found in another way'],
  balance: ['notable', 'requests are spread over the endpoints in another way'],
};

const listenerSettings: Readonly<Record<string, Graded>> = {
  address: ['breaking', 'clients find nobody where they look'],
  tcp: ['breaking', 'connections are treated in another way'],
  http2: ['notable', 'clients may be limited in another way'],
  proxyProtocol: ['breaking', 'connections have to begin in another way'],
  trustedProxies: ['risky', 'others are believed when they tell who a client is'],
  maxConnections: ['notable', 'more or fewer clients may be connected'],
  timeouts: ['notable', 'clients have more or less time'],
  limits: ['risky', 'requests that were taken may be too large, or the other way round'],
};

const otherSettings: Readonly<Record<string, Graded>> = {
  stores: ['risky', 'what was counted and kept may be left behind'],
  tokenKeys: ['risky', 'services have to know other keys'],
  acme: ['risky', 'certificates are ordered in another way'],
  admin: ['risky', 'whoever runs the gateway finds it elsewhere, or others may do what only they could'],
  $schema: ['harmless', 'the gateway does not read it'],
  version: ['harmless', 'it says how the file is written'],
};
interface SettingTable {
  readonly settings: Readonly<Record<string, Graded>>;
  /** Those that are looked at elsewhere. */
  readonly apart: readonly string[];
  /** What is in neither. */
  readonly others: Graded;
}

const routeTable: SettingTable = {
  settings: routeSettings,
  apart: ['to', 'timeouts', 'policies'],
  others: ['notable', 'its requests are looked after in another way'],
};
const serviceTable: SettingTable = {
  settings: serviceSettings,
  apart: ['endpoints', 'tls', 'timeouts'],
  others: ['notable', 'the service is protected or looked after in another way'],
};
const listenerTable: SettingTable = {
  settings: listenerSettings,
  apart: ['tls', 'policies'],
  others: ['notable', 'its clients are treated in another way'],
};

/** With every setting that is there. */
function withOthers(before: object, after: object, { settings, apart, others }: SettingTable): Readonly<Record<string, Graded>> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !apart.includes(name));
  return Object.fromEntries(names.map((name) => [name, settings[name] ?? others]));
}

const otherwise: Graded = ['notable', 'it concerns the gateway as a whole'];

export function findPartChanges(compared: Compared): FoundChange[] {
  return [
    ...findRouteChanges(compared),
    ...findServiceChanges(compared),
    ...findListenerChanges(compared),
    ...findConsumerChanges(compared),
    ...findOtherChanges(compared),
  ];
}

interface Both<Part> {
  readonly name: string;
  readonly before: Part | undefined;
  readonly after: Part | undefined;
}

/** Parts that differ, by name. */
function listDifferent<Part>(before: Readonly<Record<string, Part>>, after: Readonly<Record<string, Part>>): Both<Part>[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .map((name) => ({ name, before: before[name], after: after[name] }))
    .filter((both) => !isSame(both.before, both.after));
}

/** One change for each setting that the table knows and that differs. */
function findTabled(
  compared: Compared,
  {
    before,
    after,
    path,
    noun,
  }: { readonly before: object; readonly after: object; readonly path: IssuePath; readonly noun: string },
  table: Readonly<Record<string, Graded>>,
): FoundChange[] {
  return Object.entries(table).flatMap(([setting, [grade, because]]) => {
    if (isSame(Reflect.get(before, setting), Reflect.get(after, setting))) return [];
    const written = setting === 'matches' ? 'match' : setting;
    const at = [...path, written];
    return [{ grade, what: `\`${written}\` of ${noun} is different`, because, path: at, details: compared.describe(at) }];
  });
}

function findTimeouts(
  compared: Compared,
  before: object | undefined,
  after: object | undefined,
  { path, noun }: { readonly path: IssuePath; readonly noun: string },
): FoundChange[] {
  if (isSame(before, after)) return [];
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const isShorter = names.some(
    (name) =>
      (Reflect.get(after ?? {}, name) ?? Number.POSITIVE_INFINITY) <
      (Reflect.get(before ?? {}, name) ?? Number.POSITIVE_INFINITY),
  );
  const [grade, because] = isShorter ? shorter : longer;
  const what = `\`timeouts\` of ${noun} are ${isShorter ? 'shorter' : 'longer'}`;
  const at = [...path, 'timeouts'];
  return [{ grade, what, because, path: at, details: compared.describe(at) }];
}

function findRouteChanges(compared: Compared): FoundChange[] {
  const { old, new: present } = compared;
  return listDifferent(old.configuration.routes, present.configuration.routes).flatMap(({ name, before, after }) => {
    // Those that come and go are seen by the requests that they take.
    if (before === undefined || after === undefined) return [];
    const path = ['routes', name];
    const noun = `the route \`${name}\``;
    return [
      ...findDestinationChange(compared, name, before.to, after.to),
      ...findTimeouts(compared, before.timeouts, after.timeouts, { path, noun }),
      ...findTabled(compared, { before, after, path, noun }, withOthers(before, after, routeTable)),
    ];
  });
}

type Destination = Configuration['routes'][string]['to'];

function findDestinationChange(compared: Compared, route: string, before: Destination, after: Destination): FoundChange[] {
  if (isSame(before, after)) return [];
  const path = ['routes', route, 'to'];
  const details = compared.describe(path);
  const from = describeDestination(before);
  const to = describeDestination(after);
  if (from !== to) {
    const what = `the route \`${route}\` leads to ${to} instead of ${from}`;
    return [{ grade: 'risky', what, because: 'clients are answered by somebody else', path, details }];
  }
  const isAnswer = after.kind === 'respond' || after.kind === 'redirect';
  return [
    isAnswer
      ? { grade: 'risky', what: `the route \`${route}\` answers differently`, because: 'clients see it', path, details }
      : {
          grade: 'notable',
          what: `the route \`${route}\` leads to ${to} in another way`,
          because: 'shares or settings of the way there differ',
          path,
          details,
        },
  ];
}

function describeDestination(to: Destination): string {
  if (to.kind !== 'service') return `\`${to.kind}\``;
  return to.services
    .filter(({ weight }) => weight > 0)
    .map(({ service }) => `\`${service}\``)
    .sort()
    .join(' and ');
}

type Service = Configuration['services'][string];

function findServiceChanges(compared: Compared): FoundChange[] {
  const { old, new: present } = compared;
  return listDifferent(old.configuration.services, present.configuration.services).flatMap(
    ({ name, before, after }): FoundChange[] => {
      const path = ['services', name];
      const noun = `the service \`${name}\``;
      if (before === undefined)
        return [{ grade: 'harmless', what: `${noun} is new`, because: 'routes that lead there are listed by themselves', path }];
      if (after === undefined)
        return [{ grade: 'harmless', what: `${noun} is gone`, because: 'no route leads there any more', path: ['services'] }];
      return [
        ...findEndpointChanges(compared, name, before, after),
        ...findServiceTlsChanges(compared, name, before, after),
        ...findTimeouts(compared, before.timeouts, after.timeouts, { path, noun }),
        ...findTabled(compared, { before, after, path, noun }, withOthers(before, after, serviceTable)),
      ];
    },
  );
}

function findEndpointChanges(compared: Compared, name: string, before: Service, after: Service): FoundChange[] {
  if (isSame(before.endpoints, after.endpoints)) return [];
  const was = before.endpoints.map(({ url }) => formatEndpointUrl(url));
  const is = after.endpoints.map(({ url }) => formatEndpointUrl(url));
  const path = ['services', name, 'endpoints'];
  const details = compared.describe(path);
  const stays = is.filter((url) => was.includes(url));
  const isPlain = (url: string) => url.startsWith('http:') || url.startsWith('tcp:');
  const lostTls = was.some((url) => !isPlain(url) && !is.includes(url));
  if (lostTls && is.some((url) => isPlain(url) && !was.includes(url)))
    return [
      {
        grade: 'risky',
        what: `the service \`${name}\` is asked without TLS`,
        because: 'whoever sits between can read and change everything',
        path,
        details,
      },
    ];
  if (stays.length === 0 && was.length > 0 && is.length > 0)
    return [
      {
        grade: 'risky',
        what: `the service \`${name}\` has other endpoints`,
        because: 'all of its requests go elsewhere',
        path,
        details,
      },
    ];
  const what = `the service \`${name}\` has ${is.length === was.length ? 'some other endpoints' : `${is.length} endpoints instead of ${was.length}`}`;
  const isWeight = is.length === was.length && stays.length === is.length;
  return [
    {
      grade: 'notable',
      what: isWeight ? `endpoints of the service \`${name}\` have other weights or places` : what,
      because: 'requests are spread over others',
      path,
      details,
    },
  ];
}

function findServiceTlsChanges(
  compared: Compared,
  name: string,
  { tls: before }: Service,
  { tls: after }: Service,
): FoundChange[] {
  if (isSame(before, after)) return [];
  const path = ['services', name, 'tls'];
  const details = compared.describe(path);
  if (before?.verify === undefined && after?.verify !== undefined) {
    const because = 'whoever sits between can read and change everything';
    return [
      {
        grade: 'risky',
        what: `certificates of the service \`${name}\` are not verified any more`,
        because,
        path: [...path, 'verify'],
        details,
      },
    ];
  }
  if (before?.verify !== undefined && after?.verify === undefined)
    return [
      {
        grade: 'risky',
        what: `certificates of the service \`${name}\` are verified`,
        because: 'where they are not in order, all requests fail',
        path,
        details,
      },
    ];
  return [
    {
      grade: 'risky',
      what: `\`tls\` of the service \`${name}\` is different`,
      because: 'connections may be refused by either side',
      path,
      details,
    },
  ];
}

type Listener = Configuration['listeners'][string];

function findListenerChanges(compared: Compared): FoundChange[] {
  const { old, new: present } = compared;
  return listDifferent(old.configuration.listeners, present.configuration.listeners).flatMap(
    ({ name, before, after }): FoundChange[] => {
      const path = ['listeners', name];
      const noun = `the listener \`${name}\``;
      if (before === undefined)
        return [{ grade: 'notable', what: `${noun} is new`, because: 'the gateway listens in one more place', path }];
      if (after === undefined)
        return [{ grade: 'breaking', what: `${noun} is gone`, because: 'its clients find nobody any more', path: ['listeners'] }];
      return [
        ...findListenerTlsChanges(compared, name, before, after),
        ...findTabled(compared, { before, after, path, noun }, withOthers(before, after, listenerTable)),
      ];
    },
  );
}

function findListenerTlsChanges(
  compared: Compared,
  name: string,
  { tls: before }: Listener,
  { tls: after }: Listener,
): FoundChange[] {
  if (isSame(before, after)) return [];
  const path = ['listeners', name, 'tls'];
  const details = compared.describe(path);
  if (before === undefined || after === undefined) {
    const what = `the listener \`${name}\` serves ${after === undefined ? 'plain HTTP instead of HTTPS' : 'HTTPS instead of plain HTTP'}`;
    return [{ grade: 'breaking', what, because: 'clients speak the other one', path, details }];
  }
  const was = before.clientCertificates;
  const is = after.clientCertificates;
  if (is?.mode === 'required' && was?.mode !== 'required')
    return [
      {
        grade: 'breaking',
        what: `the listener \`${name}\` asks clients for certificates`,
        because: 'clients without one are refused',
        path: [...path, 'clientCertificates'],
        details,
      },
    ];
  if (was?.mode === 'required' && is?.mode !== 'required')
    return [
      {
        grade: 'risky',
        what: `the listener \`${name}\` takes clients without certificates`,
        because: 'clients that were refused are let in',
        path,
        details,
      },
    ];
  const isPolicy = before.policy !== after.policy;
  const grade = isPolicy && after.policy === 'modern' ? 'breaking' : isPolicy || !isSame(was, is) ? 'risky' : 'notable';
  const because =
    grade === 'notable' ? 'clients see other certificates or tickets' : 'some clients may not be able to connect, or others are';
  return [{ grade, what: `\`tls\` of the listener \`${name}\` is different`, because, path, details }];
}

type Consumer = Configuration['consumers'][string];

function findConsumerChanges({ old, new: present }: Compared): FoundChange[] {
  return listDifferent(old.configuration.consumers, present.configuration.consumers).flatMap(
    ({ name, before, after }): FoundChange[] => {
      const path = ['consumers', name];
      const noun = `the consumer \`${name}\``;
      if (before === undefined) return [{ grade: 'notable', what: `${noun} is new`, because: 'somebody else may come', path }];
      if (after === undefined)
        return [
          { grade: 'breaking', what: `${noun} is gone`, because: 'its credentials do not count any more', path: ['consumers'] },
        ];
      return [...findGroupChanges(noun, path, before, after), ...findCredentialChanges(noun, path, before, after)];
    },
  );
}

function findGroupChanges(noun: string, path: IssuePath, before: Consumer, after: Consumer): FoundChange[] {
  if (isSame(before.groups, after.groups)) return [];
  const lost = before.groups.filter((group) => !after.groups.includes(group));
  const gained = after.groups.filter((group) => !before.groups.includes(group));
  const at = [...path, 'groups'];
  if (lost.length === 0 && gained.length === 0) return [];
  if (lost.length > 0)
    return [
      {
        grade: 'breaking',
        what: `${noun} is not in ${lost.join(', ')} any more`,
        because: 'what the group may do is refused',
        path: at,
      },
    ];
  return [{ grade: 'notable', what: `${noun} is in ${gained.join(', ')}`, because: 'it may do what the group may do', path: at }];
}

/** No value of a credential is shown, not even a hash. */
function findCredentialChanges(noun: string, path: IssuePath, before: Consumer, after: Consumer): FoundChange[] {
  const { groups: _was, ...was } = before;
  const { groups: _is, ...is } = after;
  const differing = Object.keys({ ...was, ...is }).filter(
    (setting) => !isSame(Reflect.get(was, setting), Reflect.get(is, setting)),
  );
  return differing.map((setting): FoundChange => {
    const at = [...path, setting];
    if (setting === 'addresses') return findAddressChange(noun, at, was.addresses, is.addresses);
    const isLonger = isOnlyLonger(Reflect.get(was, setting), Reflect.get(is, setting));
    const what = `\`${setting}\` of ${noun} is different`;
    if (isLonger)
      return {
        grade: 'notable',
        what: `${noun} has more in \`${setting}\``,
        because: 'what counted before still counts',
        path: at,
      };
    return { grade: 'breaking', what, because: 'what counted before may not count any more', path: at };
  });
}

type Addresses = Consumer['addresses'];

/** Without addresses, its credentials count from everywhere. */
function findAddressChange(noun: string, path: IssuePath, before: Addresses, after: Addresses): FoundChange {
  const what = `\`addresses\` of ${noun} is different`;
  if (after === undefined || (before !== undefined && isOnlyLonger(before, after)))
    return { grade: 'risky', what, because: 'its credentials count from further addresses, whoever has them', path };
  return { grade: 'breaking', what, because: 'from some addresses, its credentials do not count any more', path };
}

function isOnlyLonger(before: unknown, after: unknown): boolean {
  if (before === undefined) return true;
  if (!Array.isArray(before) || !Array.isArray(after)) return false;
  return before.every((item) => after.some((other) => isSame(item, other)));
}

function findOtherChanges(compared: Compared): FoundChange[] {
  const {
    routes: _routes,
    services: _services,
    listeners: _listeners,
    consumers: _consumers,
    policies: _policies,
    ...before
  } = compared.old.configuration;
  const after = compared.new.configuration;
  const settings = new Set([...Object.keys(before), ...Object.keys(after)]);
  const table = Object.fromEntries(
    [...settings]
      .filter((setting) => !['routes', 'services', 'listeners', 'consumers', 'policies'].includes(setting))
      .map((setting) => [setting, otherSettings[setting] ?? otherwise]),
  );
  return findTabled(compared, { before, after, path: [], noun: 'the gateway' }, table);
}
