import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointUrl, readEndpointUrl } from './endpoint-url.ts';

const accepted: Readonly<Record<string, EndpointUrl>> = {
  'http://orders:3000': { scheme: 'http', host: 'orders', port: 3000, path: undefined },
  'http://orders:3000/': { scheme: 'http', host: 'orders', port: 3000, path: undefined },
  'HTTP://Orders_1': { scheme: 'http', host: 'orders_1', port: 80, path: undefined },
  'https://10.0.0.12': { scheme: 'https', host: '10.0.0.12', port: 443, path: undefined },
  'https://[2001:db8::1]:8443': { scheme: 'https', host: '2001:db8::1', port: 8443, path: undefined },
  'http+unix:///run/orders.sock': { scheme: 'http', host: 'localhost', port: 80, path: '/run/orders.sock' },
  'https+unix:///run/orders.sock': { scheme: 'https', host: 'localhost', port: 443, path: '/run/orders.sock' },
  'tcp://postgres:5432': { scheme: 'tcp', host: 'postgres', port: 5432, path: undefined },
  'TLS://[::1]:636': { scheme: 'tls', host: '::1', port: 636, path: undefined },
  'tcp+unix:///run/postgres.sock': { scheme: 'tcp', host: 'localhost', port: 0, path: '/run/postgres.sock' },
  'tls+unix:///run/ldap.sock': { scheme: 'tls', host: 'localhost', port: 0, path: '/run/ldap.sock' },
  'unix:/run/orders.sock': { scheme: 'http', host: 'localhost', port: 80, path: '/run/orders.sock' },
  'unix:///run/orders.sock': { scheme: 'http', host: 'localhost', port: 80, path: '/run/orders.sock' },
};

const refused = {
  'orders:3000': '"orders:3000" is not a URL; write `http://orders:3000`',
  '//orders': '"//orders" is not a URL; write `http://host:port`',
  'http://orders/api':
    '"http://orders/api": an endpoint has no path, query or fragment; leave out "/api" (the `rewrite` policy changes paths)',
  'http://orders?x=1':
    '"http://orders?x=1": an endpoint has no path, query or fragment; leave out "?x=1" (the `rewrite` policy changes paths)',
  'http://joe:secret@orders': 'an endpoint has no user name and password; set an `authorization` field with the `headers` policy',
  'ftp://orders':
    '"ftp://orders": the scheme "ftp" is not supported; write `http`, `https`, `tcp` or `tls`, or `http+unix` for the path of a socket',
  'constructor://orders':
    '"constructor://orders": the scheme "constructor" is not supported; write `http`, `https`, `tcp` or `tls`, or `http+unix` for the path of a socket',
  'tcp://postgres': '"tcp://postgres": `tcp` has no usual port; write one, such as `tcp://postgres:5432`',
  'tls://[::1]': '"tls://[::1]": `tls` has no usual port; write one, such as `tls://[::1]:5432`',
  'tcp://postgres:5432/shop':
    '"tcp://postgres:5432/shop": an endpoint has no path, query or fragment; leave out "/shop" (the `rewrite` policy changes paths)',
  'tcp+unix://run/x.sock': '"tcp+unix://run/x.sock": write three slashes before the path of the socket, `tcp+unix:///run/x.sock`',
  'http://': '"http://": "" is not a host name or an IP address',
  'http://10.0.0.300': '"http://10.0.0.300": "10.0.0.300" is not a host name or an IP address',
  'http://or ders': '"http://or ders": "or ders" is not a host name or an IP address',
  'http://::1': '"http://::1": "" is not a host name or an IP address',
  'http://orders:0': '"http://orders:0": "0" is not a port; write a number from 1 to 65535',
  'http://orders:': '"http://orders:": "" is not a port; write a number from 1 to 65535',
  'http+unix://run/x.sock':
    '"http+unix://run/x.sock": write three slashes before the path of the socket, `http+unix:///run/x.sock`',
};

for (const [text, value] of Object.entries(accepted)) {
  test(`reads the endpoint ${text}`, () => assert.deepEqual(readEndpointUrl(text), { value }));
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the endpoint ${text}`, () => assert.deepEqual(readEndpointUrl(text), { problem }));
}

test('does not repeat a password in its message', () => {
  const reading = readEndpointUrl('http://joe:hunter2@orders:3000');
  assert.ok('problem' in reading && !reading.problem.includes('hunter2'));
});
