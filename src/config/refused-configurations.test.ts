/** What is said about wrong configurations, mistake by mistake: where, and in which words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnyOfPolicy } from '#policies/any-of/policy.ts';
import { apiKeyPolicy } from '#policies/api-key/policy.ts';
import { authorizePolicy } from '#policies/authorize/policy.ts';
import { basicAuthPolicy } from '#policies/basic-auth/policy.ts';
import { headersConfig } from '#policies/headers/config.ts';
import { mirrorPolicy } from '#policies/mirror/policy.ts';
import { oidcPolicy } from '#policies/oidc/policy.ts';
import { rateLimitPolicy } from '#policies/rate-limit/policy.ts';
import { rewriteConfig } from '#policies/rewrite/config.ts';
import { formatIssue } from './issue.ts';
import { loadConfigurationText } from './load.ts';

const policies = [
  { name: 'rewrite', loadConfig: async () => rewriteConfig },
  { name: 'headers', loadConfig: async () => headersConfig },
  mirrorPolicy,
  apiKeyPolicy,
  authorizePolicy,
  rateLimitPolicy,
  basicAuthPolicy,
  oidcPolicy,
  createAnyOfPolicy([apiKeyPolicy, basicAuthPolicy, oidcPolicy]),
];

/** Lines of the document and the lines of its issues. `F` stands for the name of the file. */
interface Refusal {
  readonly mistake: string;
  readonly text: string;
  readonly issues: readonly string[];
}

/** Three lines, so that what follows begins in line 4. */
const HEAD = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders:3000] } }
`;

const DOCUMENTS: readonly Refusal[] = [
  {
    mistake: 'keys that are none',
    text: `${HEAD}consumers:
  alice:
    keys:
      - short
      - "alice has spaces in her key"
      - { sha256: 12ab }
      - { key: alice-2dSxkW0nB5Ue8hQv, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 }
      - { expires: 2031-01-01 }
      - { key: alice-9yTqLz3mR7Kc1wFe, expires: 31.1.2031 }
      - 5
`,
    issues: [
      'F:7:9 consumers.alice.keys[0]: the key is too short; at least 20 characters, such as `openssl rand -hex 24` makes',
      'F:8:9 consumers.alice.keys[1]: the key has spaces or characters beyond ASCII; a client could not send it',
      'F:9:19 consumers.alice.keys[2].sha256: this is not a SHA-256; write 64 hexadecimal digits',
      'F:10:48 consumers.alice.keys[3].sha256: `sha256` stands in the place of `key`; write one of them',
      'F:11:9 consumers.alice.keys[4]: there is neither `key` nor `sha256`',
      'F:12:49 consumers.alice.keys[5].expires: "31.1.2031" is not a date; write one such as `2027-01-31` or `2027-01-31T12:00:00Z`',
      'F:13:9 consumers.alice.keys[6]: expected a key such as `${env:ALICE_KEY}`, not a number',
    ],
  },
  {
    mistake: 'policies and destinations at the wrong places',
    text: `version: 1
listeners: { web: { address: ":8080", rewrite: {} } }
services: { it: { endpoints: ["http://it:1"], rewrite: {} } }
policies: { redirect: { path: / } }
routes:
  a: { match: { path: /a }, to: it, rewrite: { path: / } }
  b: { match: { path: /b }, to: { rewrite: { path: / } } }
rewrite: {}
`,
    issues: [
      'F:2:39 listeners.web.rewrite: `rewrite` is a policy; write it under `policies` of a route, a listener or the gateway',
      'F:3:47 services.it.rewrite: `rewrite` is a policy; write it under `policies` of a route, a listener or the gateway',
      'F:4:13 policies.redirect: `redirect` is no policy; write it under `to` of a route',
      'F:6:37 routes.a.rewrite: `rewrite` is a policy; write it under `policies` of a route, a listener or the gateway',
      'F:7:35 routes.b.to.rewrite: `rewrite` is a policy; write it under `policies` of a route, a listener or the gateway',
      'F:8:1 rewrite: `rewrite` is a policy; write it under `policies` of a route, a listener or the gateway',
    ],
  },
  {
    mistake: 'stores that cannot be',
    text: `${HEAD}stores:
  redis:
    url: redis://alice:hunter2@redis:6379
    prefix: "a{b}"
    timeout: 20
    failures: 0
    pause: 1ms
    size: 5
`,
    issues: [
      'F:6:10 stores.redis.url: the URL holds a user or a password; write them as `username` and `password: ${env:REDIS_PASSWORD}`',
      'F:7:13 stores.redis.prefix: a prefix is made of visible ASCII characters other than braces',
      'F:8:14 stores.redis.timeout: expected a duration such as `500ms`, not the number 20',
      'F:9:15 stores.redis.failures: the number 0 is too small; at least 1',
      'F:10:12 stores.redis.pause: "1ms" is too short; at least `50ms`',
      'F:11:5 stores.redis.size: unknown key `size`; possible are `url`, `username`, `password`, `ca`, `prefix`, `timeout`, `failures`, `pause` and `settleEvery`',
    ],
  },
  {
    mistake: 'a login and an authority that are of no use',
    text: `${HEAD}stores:
  redis: { url: "redis://redis", username: alice, ca: ca.pem }
`,
    issues: [
      'F:5:44 stores.redis.username: there is a `username` and no `password`',
      'F:5:55 stores.redis.ca: `ca` is of use with `rediss://` only',
    ],
  },
  {
    mistake: 'URLs that are none of a Redis server',
    text: `${HEAD}stores:
  redis: { url: "http://redis:6379" }
`,
    issues: [
      'F:5:17 stores.redis.url: "http://redis:6379" is no URL of a Redis server; write one such as `redis://127.0.0.1:6379`, or `rediss://` for TLS',
    ],
  },
  {
    mistake: 'a limit that counts in a store that is not there',
    text: `${HEAD}policies: { rate-limit: { limit: 1/second, store: redis } }
routes:
  a: { match: { path: /a }, to: orders, policies: { rate-limit: { limit: 1/second, store: redis, shared: local-first, onFailure: allow } } }
  b: { match: { path: /b }, to: orders, policies: { rate-limit: { limit: 1/second, shared: strict } } }
`,
    issues: [
      'F:4:51 policies.rate-limit.store: there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`',
      'F:6:91 routes.a.policies.rate-limit.store: there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`',
      'F:6:130 routes.a.policies.rate-limit.onFailure: with `shared: local-first` this gateway always counts in its own memory, so `onFailure` would have no effect',
      'F:7:92 routes.b.policies.rate-limit.shared: it is counted in the memory of this gateway (write `store: redis`), so `shared` would have no effect',
    ],
  },
  {
    mistake: 'the same, where the login is one of several methods',
    text: `${HEAD}policies:
  any-of:
    methods:
      - api-key: {}
      - oidc:
          issuer: https://login.example.com
          clientId: shop
          secret: of the cookies and long enough for them
          session: { store: redis }
routes:
  a: { match: { path: /a }, to: orders }
`,
    issues: [
      'F:12:29 policies.any-of.methods[1].oidc.session.store: there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`',
    ],
  },
  {
    mistake: 'sessions of a login in a store that is not there',
    text: `${HEAD}stores: { memory: { size: 1KiB } }
policies: { oidc: { issuer: https://login.example.com, clientId: shop, secret: of the cookies and long enough for them, session: { store: redis } } }
routes:
  a: { match: { path: /a }, to: orders }
`,
    issues: [
      'F:4:27 stores.memory.size: "1KiB" is too small; at least `1MiB`',
      'F:5:139 policies.oidc.session.store: there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`',
    ],
  },
  {
    mistake: 'a key of two consumers, and the same key twice',
    text: `${HEAD}consumers:
  alice: { keys: [alice-2dSxkW0nB5Ue8hQv, { key: alice-2dSxkW0nB5Ue8hQv }] }
  bob: { keys: [alice-2dSxkW0nB5Ue8hQv] }
`,
    issues: [
      'F:5:43 consumers.alice.keys[1]: the consumer has this key already',
      'F:6:17 consumers.bob.keys[0]: the consumer `alice` has this key already',
    ],
  },
  {
    mistake: 'subjects that name no issuer, and one of two consumers',
    text: `${HEAD}consumers:
  alice: { subjects: [u1@login.example.com/, u1, "u1@https://login.example.com", "u 1@login.example.com"] }
  bob: { subjects: [u1@login.example.com] }
`,
    issues: [
      'F:5:46 consumers.alice.subjects[1]: "u1" names no subject of an issuer; write `SUBJECT@ISSUER`, the issuer without `https://`',
      'F:5:50 consumers.alice.subjects[2]: "u1@https://login.example.com" names no subject of an issuer; write `SUBJECT@ISSUER`, the issuer without `https://`',
      'F:5:82 consumers.alice.subjects[3]: "u 1@login.example.com" names no subject of an issuer; write `SUBJECT@ISSUER`, the issuer without `https://`',
    ],
  },
  {
    mistake: 'a subject of two consumers',
    text: `${HEAD}consumers:
  alice: { subjects: [u1@login.example.com/] }
  bob: { subjects: [u1@login.example.com] }
`,
    issues: ['F:6:21 consumers.bob.subjects[0]: the consumer `alice` has this subject already'],
  },
  {
    mistake: 'an anonymous consumer that is not there',
    text: `${HEAD}consumers: { guest: {} }
policies: { api-key: { anonymous: geust } }
routes: { it: { match: {}, to: orders, policies: { api-key: { anonymous: alice }, authorize: { consumers: [guest, alcie] } } } }
`,
    issues: [
      'F:5:35 policies.api-key.anonymous: there is no consumer `geust`; did you mean `guest`?',
      'F:6:74 routes.it.policies.api-key.anonymous: there is no consumer `alice`; there is `guest`',
      'F:6:115 routes.it.policies.authorize.consumers[1]: there is no consumer `alcie`; there is `guest`',
    ],
  },
  {
    mistake: 'passwords, certificates and secrets that are none',
    text: `${HEAD}consumers:
  alice: { password: short }
  bob: { password: "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA" }
  carol:
    certificates:
      - { san: warehouse.example.com }
      - { fingerprint: "12:ab" }
      - { subject: warehouse }
      - { subject: CN=a, san: "dns:a" }
      - {}
    hmacKeys:
      - { id: "a b", secret: c91f6f2b1d2e47c08a53d1f0b6e4a795 }
      - { id: a, secret: tooshort }
      - { id: b, secret: "äöü", encoding: base64 }
`,
    issues: [
      'F:5:22 consumers.alice.password: the password is too short; at least 12 characters, or the hash of one',
      'F:6:20 consumers.bob.password: the hash of the password: `ln=4` is too fast to hash passwords; at least 10',
      'F:9:16 consumers.carol.certificates[0].san: "warehouse.example.com" is not an alternative name; write `dns:NAME`, `uri:URI` or `email:ADDRESS`',
      'F:10:24 consumers.carol.certificates[1].fingerprint: "12:ab" is not the SHA-256 of a certificate; write 64 hexadecimal digits',
      'F:11:20 consumers.carol.certificates[2].subject: "warehouse" is not a distinguished name; write one such as `CN=warehouse,O=Example`',
      'F:12:9 consumers.carol.certificates[3]: write one of `subject`, `san` and `fingerprint`',
      'F:13:9 consumers.carol.certificates[4]: write one of `subject`, `san` and `fingerprint`',
      'F:15:15 consumers.carol.hmacKeys[0].id: "a b" is not a key id; write 1 to 256 visible ASCII characters without `"` and `\\`',
      'F:16:26 consumers.carol.hmacKeys[1].secret: the secret is too short; at least 32 bytes',
      'F:17:26 consumers.carol.hmacKeys[2].secret: the secret is not base64',
    ],
  },
  {
    mistake: 'credentials of two consumers',
    text: `${HEAD}consumers:
  alice: { certificates: [{ san: "dns:a.example.com" }], hmacKeys: [{ id: one, secret: c91f6f2b1d2e47c08a53d1f0b6e4a795 }] }
  bob: { certificates: [{ san: "DNS:A.example.com" }], hmacKeys: [{ id: one, secret: d91f6f2b1d2e47c08a53d1f0b6e4a795 }] }
`,
    issues: [
      'F:6:25 consumers.bob.certificates[0]: the consumer `alice` has this certificate already',
      'F:6:73 consumers.bob.hmacKeys[0].id: the consumer `alice` has this key id already',
    ],
  },
  {
    mistake: 'mistakes inside the methods of any-of',
    text: `${HEAD}consumers: { guest: {} }
policies:
  any-of:
    anonymous: geust
    methods:
      - api-key: { hedaer: x-key }
      - basic-auth: { anonymous: nobody }
      - api-key: {}
        basic-auth: {}
      - api-kye: {}
`,
    issues: [
      'F:7:16 policies.any-of.anonymous: there is no consumer `geust`; did you mean `guest`?',
      'F:9:20 policies.any-of.methods[0].api-key.hedaer: unknown key `hedaer`; did you mean `header`?',
      'F:10:34 policies.any-of.methods[1].basic-auth.anonymous: nobody would get to the methods behind this one; write `anonymous` beside `methods`',
      'F:10:34 policies.any-of.methods[1].basic-auth.anonymous: there is no consumer `nobody`; there is `guest`',
      'F:11:9 policies.any-of.methods[2]: each item is one method: `api-key`, `basic-auth`, `oidc`',
      'F:13:9 policies.any-of.methods[3].api-kye: unknown key `api-kye`; did you mean `api-key`?',
    ],
  },
  {
    mistake: 'an empty file',
    text: '',
    issues: ['F:1:1 the configuration is empty; run `gatehouse init` for one to begin with'],
  },
  {
    mistake: 'nothing but a comment',
    text: '# later\n',
    issues: ['F:1:1 the configuration is empty; run `gatehouse init` for one to begin with'],
  },
  { mistake: 'a list instead of a map', text: '- a\n', issues: ['F:1:1 expected a map, not a list'] },
  { mistake: 'text instead of a map', text: 'hello\n', issues: ['F:1:1 expected a map, not a text'] },
  {
    mistake: 'an empty map',
    text: '{}',
    issues: ['F:1:1 version: `version` is missing; expected `1`', 'F:1:1 listeners: `listeners` is missing'],
  },
  {
    mistake: 'a version that does not exist',
    text: HEAD.replace('version: 1', 'version: 2'),
    issues: ['F:1:10 version: expected `1`, not the number 2'],
  },
  {
    mistake: 'no listener',
    text: 'version: 1\nlisteners: {}',
    issues: ['F:2:12 listeners: there is no listener; write one, such as `web: { address: ":8080" }`'],
  },
  {
    mistake: 'indentation with a tab',
    text: 'version: 1\nlisteners:\n\tweb: {}\n',
    issues: ['F:3:1 a line is indented with a tab; YAML takes only spaces'],
  },
  {
    mistake: 'a list that does not end',
    text: 'version: [1\nlisteners: {}',
    issues: ['F:2:1 flow sequence in block collection must be sufficiently indented and end with a ]'],
  },
  { mistake: 'a quote that does not end', text: 'version: "1\n', issues: ['F:2:1 missing closing "quote'] },
  {
    mistake: 'a second document',
    text: `${HEAD}---\nversion: 1\n`,
    issues: ['F:4:1 a second document begins here; a configuration is one, so leave out the `---`'],
  },
  {
    mistake: 'an alias without an anchor',
    text: 'version: *one',
    issues: ['F:1:10 the alias `*one` has no anchor `&one` before it'],
  },
  { mistake: 'a tag that nobody knows', text: 'version: !one 1', issues: ['F:1:10 unresolved tag: !one'] },
  { mistake: 'a list as a key', text: '? [a]\n: 1', issues: ['F:1:3 a key must be text'] },
  {
    mistake: 'the same key twice',
    text: `${HEAD}services: {}`,
    issues: ['F:4:1 services: the key `services` is here a second time; the first is in line 3'],
  },
  {
    mistake: 'the same name twice, deep inside and in JSON',
    text: '{\n\t"version": 1,\n\t"listeners": {\n\t\t"web": { "address": ":80", "address": ":81" }\n\t}\n}',
    issues: ['F:4:30 listeners.web.address: the key `address` is here a second time; the first is in line 4'],
  },
  {
    mistake: 'the same keys several times',
    text: `${HEAD}services: {}\nthreads: 1\nservices: {}\nthreads: 2`,
    issues: [
      'F:4:1 services: the key `services` is here a second time; the first is in line 3',
      'F:6:1 services: the key `services` is here a second time; the first is in line 3',
      'F:7:1 threads: the key `threads` is here a second time; the first is in line 5',
    ],
  },
  {
    mistake: 'several mistakes of syntax',
    text: 'a: [1\nb: "x',
    issues: [
      'F:2:1 flow sequence in block collection must be sufficiently indented and end with a ]',
      'F:2:6 missing closing "quote',
    ],
  },
  {
    mistake: 'a merge of the map that it stands in',
    text: 'a: &a { b: { <<: *a } }',
    issues: ['F:1:18 `<<` takes a map that has ended, or a list of such maps'],
  },
  {
    mistake: 'a merge of a text',
    text: 'a: { <<: b }',
    issues: ['F:1:10 `<<` takes a map that has ended, or a list of such maps'],
  },
  {
    mistake: 'more aliases than a value may have',
    text: `a: &a 1\nb: [${'*a, '.repeat(10_000)}]`,
    issues: ['F:2:40001 with this alias, a value is there more than 10000 times'],
  },
  {
    mistake: 'aliases of aliases of aliases',
    text: ['x: &x0 [y]', ...[1, 2, 3, 4, 5].map((n) => `x${n}: &x${n} [${`*x${n - 1}, `.repeat(9)}]`)].join('\n'),
    issues: ['F:6:10 with this alias, a value is there more than 10000 times'],
  },
  {
    mistake: 'deep nesting',
    text: `a: ${'['.repeat(300)}${']'.repeat(300)}`,
    issues: ['F:1:259 the text is nested more than 256 levels deep'],
  },
  { mistake: 'YAML 1.1', text: '%YAML 1.1\n---\na: yes', issues: ['F:1:1 of all directives, only `%YAML 1.2` is taken'] },
  { mistake: 'a key that is not there', text: 'a: 1\n: 2', issues: ['F:2:3 the key is missing here'] },
  { mistake: 'a key behind a text', text: 'a:\n- "b" c: d', issues: ['F:2:7 a key must begin on a line of its own'] },
  { mistake: 'a key behind an anchor', text: 'a: &x b: c', issues: ['F:1:4 a key must begin on a line of its own'] },
  {
    mistake: 'a carriage return alone',
    text: 'a: 1\rb: 2',
    issues: ['F:1:5 a carriage return stands alone here; a line ends with a line feed'],
  },
  { mistake: 'a control character', text: 'a: b\x07', issues: ['F:1:5 the stream contains non-printable characters'] },
  {
    mistake: 'a character that there is not',
    text: 'a: "\\UFFFFFFFF"',
    issues: ['F:1:4 there is no character with the number that stands behind `\\U`'],
  },
  {
    mistake: 'a cycle',
    text: `${HEAD}routes: { a: { match: {}, to: { respond: { json: &x [*x] } } } }`,
    issues: ['F:4:42 routes.a.to.respond: the value is nested more than 64 levels deep'],
  },
  {
    mistake: 'a name that no map may have',
    text: `${HEAD}routes: { __proto__: { match: {}, to: orders } }`,
    issues: ['F:4:11 routes.__proto__: `__proto__` cannot be a name'],
  },
];

const POSSIBLE =
  '`$schema`, `version`, `listeners`, `admin`, `acme`, `threads`, `services`, `consumers`, `routes`, `policies`, `accessLog` and `log` and others';

/** Mistakes in one place; their lines begin at line 4. */
const PARTS: readonly Refusal[] = [
  {
    mistake: 'a limit of all routes by a part of the path of one',
    text: 'policies: { rate-limit: { limit: 1/minute, by: [ip, path.id] } }',
    issues: ['F:4:53 policies.rate-limit.by[1]: `path.id` belongs to the path of one route; use it in the policies of a route'],
  },
  {
    mistake: 'a mistyped key',
    text: 'lisener: {}',
    issues: ['F:4:1 lisener: unknown key `lisener`; did you mean `listeners`?'],
  },
  {
    mistake: 'a key that is like no other',
    text: 'hello: {}',
    issues: [`F:4:1 hello: unknown key \`hello\`; possible are ${POSSIBLE}`],
  },
  {
    mistake: 'several unknown keys of one map',
    text: 'rotes: {}\nthread: 1',
    issues: [
      'F:4:1 rotes: unknown key `rotes`; did you mean `routes`?',
      'F:5:1 thread: unknown key `thread`; did you mean `threads`?',
    ],
  },
  { mistake: 'too few threads', text: 'threads: -1', issues: ['F:4:10 threads: the number -1 is too small; at least 0'] },
  { mistake: 'too many threads', text: 'threads: 513', issues: ['F:4:10 threads: the number 513 is too large; at most 512'] },
  { mistake: 'text for a number', text: 'threads: many', issues: ['F:4:10 threads: expected a number, not the text "many"'] },
  { mistake: 'half a thread', text: 'threads: 1.5', issues: ['F:4:10 threads: expected a whole number, not the number 1.5'] },
  {
    mistake: 'a key without a value',
    text: 'policies:\n  # headers: {}\nthreads: 1',
    issues: ['F:4:1 policies: expected a map, not an empty value; write `{}` for an empty map, or leave the key out'],
  },
  {
    mistake: 'the address of a listener for the admin side',
    text: 'admin: { address: "[::]:8080" }',
    issues: ['F:4:19 admin.address: "[::]:8080" is the address of the listener `web` already; give each its own'],
  },
  {
    mistake: 'a place for the access log that does not exist',
    text: 'accessLog: { to: stdot }',
    issues: ['F:4:18 accessLog.to: expected `stdout`, not "stdot"'],
  },
  {
    mistake: 'an access log that is switched on',
    text: 'accessLog: true',
    issues: ['F:4:12 accessLog: expected a map, not `true`'],
  },
  {
    mistake: 'an access log without a place',
    text: 'accessLog: { to: [] }',
    issues: ['F:4:18 accessLog.to: the list is empty; write at least one entry'],
  },
  {
    mistake: 'places that lines cannot go to',
    text: `accessLog:
  to:
    - { fil: a }
    - { file: a, http: "http://x" }
    - { http: "ftp://x" }
    - { otlp: "http://user:pass@x" }
    - { syslog: "10.0.0.1:514" }
    - { syslog: "unix:run/log" }
    - { syslog: "tcp://x:0", app: "a b" }
    - { http: "http://x", headers: { host: x } }`,
    issues: [
      'F:6:7 accessLog.to[0]: "fil" is no place that lines go to; write `file`, `http`, `otlp`, `syslog` or `kafka`',
      'F:7:18 accessLog.to[1].http: `file` and `http` are two places; write `to` as a list',
      'F:8:15 accessLog.to[2].http: "ftp://x" is not an address; write one such as `https://login.example.com/`',
      'F:9:15 accessLog.to[3].otlp: the address holds a name or a password; leave them out',
      'F:10:17 accessLog.to[4].syslog: "10.0.0.1:514" is no address of a syslog server; write one such as `tcp://logs.example.com:601`, `tls://…`, `udp://…` or `unix:/run/syslog.sock`',
      'F:11:17 accessLog.to[5].syslog: the path of a Unix socket must be absolute, such as `unix:/run/gatehouse.sock`, not "run/log"',
      'F:12:17 accessLog.to[6].syslog: "tcp://x:0": a port is a number from 1 to 65535',
      'F:12:35 accessLog.to[6].app: "a b" is not one word; write letters, digits, hyphens and dots, such as `gatehouse`',
      'F:13:38 accessLog.to[7].headers.host: the gateway decides `host`; set `rewrite: { host: … }` or the `host` of the service',
    ],
  },
  {
    mistake: 'syslog servers that cannot be',
    text: `accessLog:
  to:
    - { syslog: "unixgram:/dev/log" }
    - { syslog: "unix-dgram:/dev/log" }
    - { syslog: "unix:/run/systemd/journal/dev-log" }
    - { syslog: "udp://x", maxMessage: 64KiB }
    - { syslog: "tcp://x", maxMessage: 479B }
    - { syslog: "udp://x", facility: local8 }
    - { syslog: "tcp://x", ca: ca.pem }
log: { to: { syslog: "http://x", rotate: { size: 1MB } } }`,
    issues: [
      'F:6:17 accessLog.to[0].syslog: "unixgram:/dev/log" is a Unix socket that takes datagrams, which Node.js cannot send; write `udp://…`, or `unix:PATH` of a stream socket',
      'F:7:17 accessLog.to[1].syslog: "unix-dgram:/dev/log" is a Unix socket that takes datagrams, which Node.js cannot send; write `udp://…`, or `unix:PATH` of a stream socket',
      'F:8:17 accessLog.to[2].syslog: "unix:/run/systemd/journal/dev-log" is a Unix socket that takes datagrams, which Node.js cannot send; write `udp://…`, or `unix:PATH` of a stream socket',
      'F:9:40 accessLog.to[3].maxMessage: a datagram holds at most 65507B; write less, or `tcp://`',
      'F:10:40 accessLog.to[4].maxMessage: "479B" is too small; at least `480B`',
      'F:11:38 accessLog.to[5].facility: expected `kern`, `user`, `mail`, `daemon`, `auth`, `syslog`, `lpr`, `news`, `uucp`, `cron`, `authpriv`, `ftp`, `ntp`, `audit`, `alert`, `clock`, `local0`, `local1`, `local2`, `local3`, `local4`, `local5`, `local6` or `local7`, not "local8"; did you mean `local0`?',
      'F:12:32 accessLog.to[6].ca: only `tls://` has certificates; write `syslog: "tls://…"`',
      'F:13:22 log.to.syslog: "http://x" is no address of a syslog server; write one such as `tcp://logs.example.com:601`, `tls://…`, `udp://…` or `unix:/run/syslog.sock`',
      'F:13:34 log.to.rotate: unknown key `rotate`; possible are `syslog`, `facility`, `app`, `maxMessage`, `sequence` and `ca`',
    ],
  },
  {
    mistake: 'topics of Kafka that cannot be',
    text: `accessLog:
  to:
    - { kafka: { brokers: [kafka], topic: "" } }
    - { kafka: { brokers: [], topic: a/b } }
    - { kafka: { brokers: kafka:9092 } }
    - { kafka: { brokers: ["kafka://a:1", "x:y@a:1", "a:1,b:1", "a:0"], topic: .. } }
    - { kafka: { brokers: [a:1], topic: a, acks: 1, compression: lz4, maxBatch: 1B, tls: false, key: id } }
    - { kafka: { brokers: [a:1], topic: a, sasl: { username: a } } }
    - { kafka: { brokers: [a:1], topic: a, sasl: { mechanism: gssapi, username: "", password: "" } } }
    - { kafka: { brokers: [a:1], topic: a, tls: { certificate: { cert: a.pem } } } }
    - { kafka: { brokers: [a:1], topic: a }, sample: 1% }`,
    issues: [
      'F:6:28 accessLog.to[0].kafka.brokers[0]: "kafka" has no port; write `kafka:9092`, or whichever it is',
      'F:6:43 accessLog.to[0].kafka.topic: the topic is empty',
      'F:7:27 accessLog.to[1].kafka.brokers: the list is empty; write at least one entry',
      'F:7:38 accessLog.to[1].kafka.topic: "a/b" is no topic; write letters, digits, dots, hyphens and underscores',
      'F:8:9 accessLog.to[2].kafka.topic: `topic` is missing',
      'F:8:27 accessLog.to[2].kafka.brokers: expected a list, not a text',
      'F:9:28 accessLog.to[3].kafka.brokers[0]: "kafka://a:1" is no address of a broker; leave out the scheme, and write `tls` beside it',
      'F:9:43 accessLog.to[3].kafka.brokers[1]: the address holds a user or a password; write them as `sasl`',
      'F:9:54 accessLog.to[3].kafka.brokers[2]: "a:1,b:1" are several brokers; write them as a list',
      'F:9:65 accessLog.to[3].kafka.brokers[3]: "a:0": a port is a number from 1 to 65535',
      'F:9:80 accessLog.to[3].kafka.topic: ".." is no topic; write letters, digits, dots, hyphens and underscores',
      'F:10:50 accessLog.to[4].kafka.acks: expected `all`, `leader` or `none`, not the number 1',
      'F:10:66 accessLog.to[4].kafka.compression: expected `gzip`, `zstd` or `none`, not "lz4"',
      'F:10:81 accessLog.to[4].kafka.maxBatch: "1B" is too small; at least `1KiB`',
      'F:10:90 accessLog.to[4].kafka.tls: expected `true`, or a map with `ca`, `serverName` or `certificate`, not `false`',
      'F:10:97 accessLog.to[4].kafka.key: unknown key `key`; possible are `brokers`, `topic`, `acks`, `compression`, `maxBatch`, `timeout`, `tls` and `sasl`',
      'F:11:44 accessLog.to[5].kafka.sasl.mechanism: `mechanism` is missing; expected `plain`, `scram-sha-256` or `scram-sha-512`',
      'F:11:44 accessLog.to[5].kafka.sasl.password: `password` is missing',
      'F:12:63 accessLog.to[6].kafka.sasl.mechanism: expected `plain`, `scram-sha-256` or `scram-sha-512`, not "gssapi"',
      'F:12:81 accessLog.to[6].kafka.sasl.username: the text is empty',
      'F:12:95 accessLog.to[6].kafka.sasl.password: the secret is empty',
      'F:13:51 accessLog.to[7].kafka.tls.certificate.key: `key` is missing',
      'F:14:46 accessLog.to[8].sample: unknown key `sample`; possible is `kafka`',
    ],
  },
  {
    mistake: 'a mistyped key of one of several logs',
    text: 'accessLog: { to: [stdout, { to: { file: a }, formt: json }] }',
    issues: ['F:4:46 accessLog.to[1].formt: unknown key `formt`; did you mean `format`?'],
  },
  {
    mistake: 'one file for two logs',
    text: 'accessLog: { to: [{ file: a }, { to: { file: a } }] }',
    issues: ['F:4:32 accessLog.to[1]: "a" is written to by another item already'],
  },
  {
    mistake: 'a rotation that never comes, and others out of bounds',
    text: `accessLog:
  to:
    - { file: a, rotate: {} }
    - { file: b, rotate: { size: 10 } }
    - { file: c, rotate: { every: 1ms, keep: 0 } }`,
    issues: [
      'F:6:26 accessLog.to[0].rotate: there is neither `size` nor `every`, so nothing would ever be put aside',
      'F:7:34 accessLog.to[1].rotate.size: expected a size such as `64KiB`, not the number 10',
      'F:8:35 accessLog.to[2].rotate.every: "1ms" is too short; at least `1s`',
      'F:8:46 accessLog.to[2].rotate.keep: the number 0 is too small; at least 1',
    ],
  },
  {
    mistake: 'formats that are none',
    text: `accessLog:
  to:
    - { to: stdout, format: apache }
    - { to: stdout, format: { template: "\${stauts}" } }
    - { to: stdout, format: { template: "\${status" } }
    - { to: stdout, format: { template: "a\\nb" } }`,
    issues: [
      'F:6:29 accessLog.to[0].format: expected `json`, `common` or `combined`, not "apache"',
      'F:7:41 accessLog.to[1].format.template: "${stauts}": unknown field "stauts"; did you mean `status`?',
      'F:8:41 accessLog.to[2].format.template: "${status": `${` has no closing `}`; write `$${` for the characters themselves',
      'F:9:41 accessLog.to[3].format.template: a line holds no control characters',
    ],
  },
  {
    mistake: 'fields that are none',
    text: `accessLog:
  to:
    - { to: stdout, fields: [stauts, "request.header.a b", path.9] }
    - { to: stdout, fields: [status, status] }
    - { to: stdout, fields: [{ a: b, c: d }] }
    - { to: stdout, fields: { env: 5 } }
    - { to: stdout, fields: { agent: request.header.user-agent } }
    - { to: stdout, fields: status }
    - { to: stdout, redact: [email] }`,
    issues: [
      'F:6:30 accessLog.to[0].fields[0]: unknown field "stauts"; did you mean `status`?',
      'F:6:38 accessLog.to[0].fields[1]: "a b" is not a field name; write letters, digits and hyphens, such as `x-team`',
      'F:6:60 accessLog.to[0].fields[2]: "9" is not the name of a capture',
      'F:7:38 accessLog.to[1].fields[1]: there are two fields "status"; give one of them another name',
      'F:8:30 accessLog.to[2].fields[0]: a field of a list has one name; write each as an item of its own',
      'F:9:36 accessLog.to[3].fields.env: expected a text, or `false`, not the number 5',
      'F:10:38 accessLog.to[4].fields.agent: `request.header.user-agent` is the name of a field; write `${request.header.user-agent}` for its value',
      'F:11:29 accessLog.to[5].fields: expected a list of fields, or a map, not the text "status"',
      'F:12:30 accessLog.to[6].redact[0]: unknown field "email"; it is one of the fields of a line, such as `status`, or `request.header.NAME`, `response.header.NAME`, `query.NAME`, `claim.NAME` or `path.NAME`',
    ],
  },
  {
    mistake: 'choices of lines that are none',
    text: `accessLog:
  filter: { status: 6xx, path: api, method: get, errors: never, listener: wbe, except: { route: orders } }
  sample: { share: 110%, always: { slowerThan: 5 } }`,
    issues: [
      'F:5:21 accessLog.filter.status: "6xx" is no status; write one such as `404`, or a class such as `4xx`',
      'F:5:32 accessLog.filter.path: "api" must begin with `/`; write "/api"',
      'F:5:45 accessLog.filter.method: "get": methods are case-sensitive; write `GET`',
      'F:5:58 accessLog.filter.errors: expected `always`, not "never"',
      'F:5:75 accessLog.filter.listener: there is no listener `wbe`; did you mean `web`?',
      'F:5:97 accessLog.filter.except.route: there is no route `orders`; the configuration has no routes',
      'F:6:20 accessLog.sample.share: "110%" is too much; at most `100%`',
      'F:6:48 accessLog.sample.always.slowerThan: expected a duration such as `500ms`, not the number 5',
    ],
  },
  {
    mistake: 'a route that says of its lines what it cannot',
    text: `routes:
  a: { match: { path: /a }, accessLog: true, to: orders }
  b: { match: { path: /b }, accessLog: { sample: 1 }, to: orders }`,
    issues: [
      'F:5:40 routes.a.accessLog: expected `false`, or a map with `sample`, not `true`',
      'F:6:50 routes.b.accessLog.sample: expected a percentage such as `20%`, not the number 1',
    ],
  },
  {
    mistake: 'a name instead of a name server',
    text: 'dns: { servers: [resolver] }',
    issues: ['F:4:18 dns.servers[0]: "resolver" is not a name server; write an IP address such as `10.0.0.2` or `10.0.0.2:5353`'],
  },
  {
    mistake: 'bounds the wrong way round',
    text: 'dns: { ttlMin: 10m }',
    issues: ['F:4:16 dns.ttlMin: `ttlMin` is longer than `ttlMax`'],
  },
  {
    mistake: 'two words for one',
    text: 'forwarding: { via: my gateway }',
    issues: ['F:4:20 forwarding.via: "my gateway" is not one word; write letters, digits, hyphens and dots, such as `gatehouse`'],
  },
  {
    mistake: 'an unknown policy',
    text: 'policies: { rewrit: {} }',
    issues: ['F:4:13 policies.rewrit: unknown key `rewrit`; did you mean `rewrite`?'],
  },
  {
    mistake: 'a mistyped setting of a policy, without its consequences',
    text: 'policies: { rewrite: { stripPrefx: /a } }',
    issues: ['F:4:24 policies.rewrite.stripPrefx: unknown key `stripPrefx`; did you mean `stripPrefix`?'],
  },
  {
    mistake: 'a policy without settings',
    text: 'policies:\n  headers:\n  rewrite: true',
    issues: [
      'F:5:3 policies.headers: expected a map of settings; write `{}` for the defaults, or `false` to switch the policy off',
      'F:6:12 policies.rewrite: expected a map of settings; write `{}` for the defaults, or `false` to switch the policy off',
    ],
  },
  {
    mistake: 'a capture outside a route',
    text: 'policies: { rewrite: { path: "/x/${path.id}" } }',
    issues: ['F:4:30 policies.rewrite.path: `${path.id}` belongs to the path of one route; use it in the policies of a route'],
  },
];

/** Mistakes inside one listener, which begins in line 3. */
const LISTENERS: readonly Refusal[] = [
  {
    mistake: 'a listener without an address',
    text: 'maxConnections: 5',
    issues: ['F:2:3 listeners.it.address: `address` is missing'],
  },
  {
    mistake: 'a number for an address',
    text: 'address: 8080',
    issues: ['F:3:14 listeners.it.address: expected an address such as `0.0.0.0:8080`, not the number 8080'],
  },
  {
    mistake: 'a mistyped key of a listener',
    text: 'address: ":1"\n    maxConections: 5',
    issues: ['F:4:5 listeners.it.maxConections: unknown key `maxConections`; did you mean `maxConnections`?'],
  },
  {
    mistake: 'durations without units and with wrong ones',
    text: 'address: ":1"\n    timeouts: { head: 10, keepAlive: 10 parsecs, bodyIdle: "10", linger: 2m }',
    issues: [
      'F:4:23 listeners.it.timeouts.head: expected a duration such as `500ms`, not the number 10',
      'F:4:38 listeners.it.timeouts.keepAlive: "10 parsecs" is not a duration; write a number and a unit, such as `500ms`, `5s`, `1m` or `2h`',
      'F:4:60 listeners.it.timeouts.bodyIdle: "10" has no unit; write `10s` or `10ms`',
      'F:4:74 listeners.it.timeouts.linger: "2m" is too long; at most `1m`',
    ],
  },
  {
    mistake: 'a head of any length',
    text: 'address: ":1"\n    limits: { headBytes: 2MiB, fieldCount: 4 }',
    issues: [
      'F:4:26 listeners.it.limits.headBytes: "2MiB" is too large; at most `1MiB`',
      'F:4:44 listeners.it.limits.fieldCount: the number 4 is too small; at least 8',
    ],
  },
  {
    mistake: 'TLS without certificates, or with half of one',
    text: 'address: ":1"\n    tls: { certificates: [] }\n  b:\n    address: ":2"\n    tls: { certificates: [{ cert: a.pem }] }',
    issues: [
      'F:4:26 listeners.it.tls.certificates: the list is empty; write at least one entry',
      'F:7:27 listeners.b.tls.certificates[0].key: `key` is missing',
    ],
  },
  {
    mistake: 'a certificate in the place of its file',
    text: 'address: ":1"\n    tls: { certificates: [{ cert: "-----BEGIN CERTIFICATE-----", key: a.key }] }',
    issues: [
      'F:4:35 listeners.it.tls.certificates[0].cert: expected the path of a file, not its content; put the content into a file',
    ],
  },
  {
    mistake: 'a proxy that is no address',
    text: 'address: ":1"\n    trustedProxies: [proxy]',
    issues: [
      'F:4:22 listeners.it.trustedProxies[0]: "proxy" is not an address or range; write `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`',
    ],
  },
  {
    mistake: 'one address for two listeners',
    text: 'address: ":1"\n  b: { address: "0.0.0.0:1" }\n  c: { address: ":0" }\n  d: { address: ":0" }',
    issues: ['F:4:17 listeners.b.address: "0.0.0.0:1" is the address of the listener `it` already; give each its own'],
  },
  {
    mistake: 'a name with a space',
    text: 'address: ":1"\n  my web: { address: ":2" }',
    issues: [
      'F:4:3 listeners["my web"]: "my web" is not a name; use letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit',
    ],
  },
];

/** Mistakes inside one service, which begins in line 4. */
const SERVICES: readonly Refusal[] = [
  {
    mistake: 'further attempts after what is no condition',
    text: 'endpoints: [http://a]\n    retry: { on: [timeouts, 200], grpcStatuses: [UNAVAILABLE], attempts: 0, budget: { ratio: 0.2 } }',
    issues: [
      'F:6:19 services.it.retry.on[0]: expected `connect`, `refused`, `reset` or `timeout`, not "timeouts"; did you mean `timeout`?',
      'F:6:29 services.it.retry.on[1]: the number 200 is too small; at least 400',
      'F:6:50 services.it.retry.grpcStatuses[0]: expected `cancelled`, `unknown`, `invalid-argument`, `deadline-exceeded`, `not-found`, `already-exists`, `permission-denied`, `resource-exhausted`, `failed-precondition`, `aborted`, `out-of-range`, `unimplemented`, `internal`, `unavailable`, `data-loss` or `unauthenticated`, not "UNAVAILABLE"; did you mean `unavailable`?',
      'F:6:74 services.it.retry.attempts: the number 0 is too small; at least 1',
      'F:6:94 services.it.retry.budget.ratio: expected a percentage such as `20%`, not the number 0.2',
    ],
  },
  {
    mistake: 'a pause that is longer than the longest',
    text: 'endpoints: [http://a]\n    retry: { backoff: { base: 2s, max: 1s } }',
    issues: ['F:6:31 services.it.retry.backoff.base: `base` is longer than `max`'],
  },
  {
    mistake: '`retry: true`',
    text: 'endpoints: [http://a]\n    retry: true',
    issues: ['F:6:12 services.it.retry: expected the settings of further attempts, or `false` for none, not `true`'],
  },
  {
    mistake: 'a hedge where there are no requests',
    text: 'endpoints: [tcp://a:1]\n    hedge: { after: p95 }',
    issues: ['F:6:12 services.it.hedge: no endpoint uses `http` or `https`, so `hedge` would have no effect'],
  },
  {
    mistake: 'a hedge that would double everything',
    text: 'endpoints: [http://a]\n    hedge: { after: p10 }',
    issues: ['F:6:21 services.it.hedge.after: "p10" would double most requests; at least `p50`'],
  },
  {
    mistake: 'a hedge that is neither',
    text: 'endpoints: [http://a]\n    hedge: { after: slow }',
    issues: ['F:6:21 services.it.hedge.after: "slow" is neither a duration such as `50ms` nor a percentile such as `p95`'],
  },
  {
    mistake: 'a service without endpoints',
    text: 'host: client',
    issues: ['F:4:3 services.it.endpoints: `endpoints` is missing; without it, `discover` says where they are found'],
  },
  {
    mistake: 'no endpoint',
    text: 'endpoints: []',
    issues: ['F:5:16 services.it.endpoints: the list is empty; write at least one entry'],
  },
  {
    mistake: 'endpoints that are found in no known way',
    text: 'discover: { dn: {} }',
    issues: ['F:5:17 services.it.discover.dn: unknown key `dn`; did you mean `dns`?'],
  },
  {
    mistake: 'two ways to find endpoints at once',
    text: 'discover: { file: a.yaml, consul: { service: a } }',
    issues: ['F:5:31 services.it.discover.consul: `file` and `consul` exclude each other; give one of `dns`, `file` or `consul`'],
  },
  {
    mistake: 'a way to find endpoints that says nothing',
    text: 'discover: {}',
    issues: ['F:5:15 services.it.discover: the map is empty; give one of `dns`, `file` or `consul`'],
  },
  {
    mistake: 'addresses without a port, of a name that is none',
    text: 'discover: { dns: { name: "a b", every: 1ms } }',
    issues: [
      'F:5:30 services.it.discover.dns.name: "a b" is not a name of the domain name system; write one such as `orders.internal`',
      'F:5:44 services.it.discover.dns.every: "1ms" is too short; at least `100ms`',
    ],
  },
  {
    mistake: 'addresses without a port',
    text: 'discover: { dns: { name: a } }',
    issues: ['F:5:17 services.it.discover.dns.port: `port` is missing; addresses come without one'],
  },
  {
    mistake: 'a port for records that have one',
    text: 'discover: { dns: { name: a, type: SRV, port: 80 } }',
    issues: ['F:5:50 services.it.discover.dns.port: SRV records bring their own port; leave `port` out'],
  },
  {
    mistake: 'a Consul that is not reached by HTTP, and a wait that it does not take',
    text: 'discover: { consul: { service: a, address: "tcp://a:1", wait: 1h } }',
    issues: [
      'F:5:48 services.it.discover.consul.address: Consul is reached with `http` or `https`',
      'F:5:67 services.it.discover.consul.wait: "1h" is too long; at most `10m`',
    ],
  },
  {
    mistake: 'endpoints for bytes that are found beside endpoints for HTTP',
    text: 'endpoints: [http://a]\n    discover: { dns: { name: a, port: 1, scheme: tcp } }',
    issues: [
      'F:6:50 services.it.discover.dns.scheme: `tcp` beside `http` of `endpoints`: the endpoints of a service either speak HTTP or take bytes',
    ],
  },
  {
    mistake: 'TLS for plain endpoints that are found',
    text: 'discover: { consul: { service: a } }\n    tls: { ca: ca.pem }',
    issues: ['F:6:10 services.it.tls: no endpoint uses `https` or `tls`, so `tls` would have no effect'],
  },
  {
    mistake: 'one endpoint without a list',
    text: 'endpoints: http://a',
    issues: ['F:5:16 services.it.endpoints: expected a list, not a text'],
  },
  {
    mistake: 'endpoints of every wrong shape',
    text: 'endpoints: [http://a/b, { urll: x }, 5, { url: http://a, weight: -1 }, { url: http://a, weight: "2" }]',
    issues: [
      'F:5:17 services.it.endpoints[0]: "http://a/b": an endpoint has no path, query or fragment; leave out "/b" (the `rewrite` policy changes paths)',
      'F:5:29 services.it.endpoints[1].url: `url` is missing',
      'F:5:31 services.it.endpoints[1].urll: unknown key `urll`; did you mean `url`?',
      'F:5:42 services.it.endpoints[2]: expected the URL of an endpoint, or a map with `url` and `weight`, not the number 5',
      'F:5:70 services.it.endpoints[3].weight: the number -1 is too small; at least 0',
      'F:5:101 services.it.endpoints[4].weight: expected a number, not the text "2"',
    ],
  },
  {
    mistake: 'a host of no kind',
    text: 'endpoints: [http://a]\n    host: clent',
    issues: ['F:6:11 services.it.host: expected `client` or `endpoint`, not "clent"; did you mean `client`?'],
  },
  {
    mistake: 'TLS for plain endpoints',
    text: 'endpoints: [http://a]\n    tls: { ca: ca.pem }',
    issues: ['F:6:10 services.it.tls: no endpoint uses `https` or `tls`, so `tls` would have no effect'],
  },
  {
    mistake: 'endpoints for HTTP beside endpoints for bytes',
    text: 'endpoints: [https://a, tcp://a:1]',
    issues: [
      'F:5:28 services.it.endpoints[1]: `tcp` beside `https`: the endpoints of a service either speak HTTP (`http`, `https`) or take bytes (`tcp`, `tls`)',
    ],
  },
  {
    mistake: 'a version of HTTP for bytes',
    text: 'endpoints: [tcp://a:1]\n    protocol: http2',
    issues: ['F:6:15 services.it.protocol: no endpoint uses `http` or `https`, so `protocol` would have no effect'],
  },
  {
    mistake: 'a version of HTTP that there is not',
    text: 'endpoints: [http://a]\n    protocol: h2',
    issues: ['F:6:15 services.it.protocol: expected `http1` or `http2`, not "h2"'],
  },
  {
    mistake: 'a PROXY header on connections that clients share',
    text: 'endpoints: [http://a]\n    protocol: http2\n    proxyProtocol: v1',
    issues: [
      'F:7:20 services.it.proxyProtocol: a connection of HTTP/2 is shared by many clients, and a PROXY header names one; use `protocol: http1`',
    ],
  },
  {
    mistake: 'an authority that verifies nothing, and protocols that nobody is offered',
    text: 'endpoints: [https://a]\n    tls: { verify: dangerously-off, ca: a.pem, alpn: [h2] }',
    issues: [
      'F:6:41 services.it.tls.ca: with `verify: dangerously-off` nothing is verified, so `ca` would have no effect; leave one of them out',
      'F:6:54 services.it.tls.alpn: no endpoint uses `tls`, so `alpn` would have no effect; for `https`, `protocol` decides',
    ],
  },
  {
    mistake: 'checks that are of no kind, or of a kind that is mistyped',
    text: 'endpoints: [http://a]\n    health: { every: 5s, pth: /a }',
    issues: [
      'F:6:5 services.it.health.path: `path` is missing',
      'F:6:26 services.it.health.pth: unknown key `pth`; did you mean `path`?',
    ],
  },
  {
    mistake: 'a path of a check that is none, and answers that are none',
    text: 'endpoints: [http://a]\n    health: { path: healthz, expect: { statuses: [99, "300-200", "ok"] } }',
    issues: [
      'F:6:21 services.it.health.path: "healthz" is not a path; write one that begins with a slash and has no spaces, such as `/healthz`',
      'F:6:51 services.it.health.expect.statuses[0]: the number 99 is too small; at least 200',
      'F:6:55 services.it.health.expect.statuses[1]: "300-200" is not a range of statuses; write `200-399`',
      'F:6:66 services.it.health.expect.statuses[2]: "ok" is not a range of statuses; write `200-399`',
    ],
  },
  {
    mistake: 'checks over gRPC of a service that does not speak HTTP/2',
    text: 'endpoints: [http://a]\n    health: { grpc: true }',
    issues: ['F:6:21 services.it.health.grpc: gRPC is spoken over HTTP/2; write `protocol: http2` for the service'],
  },
  {
    mistake: 'checks of another port of a Unix socket',
    text: 'endpoints: ["unix:/run/a"]\n    health: { tcp: true, port: 80 }',
    issues: ['F:6:32 services.it.health.port: an endpoint of the service is a Unix socket, which has no port'],
  },
  {
    mistake: 'two kinds of checks at once',
    text: 'endpoints: [http://a]\n    health: { tcp: true, path: /a }',
    issues: [
      'F:6:26 services.it.health.path: unknown key `path`; possible are `tcp`, `every`, `timeout`, `unhealthyAfter`, `healthyAfter` and `port`',
    ],
  },
  {
    mistake: 'shares without their sign, and outliers that are neither a map nor switched off',
    text: 'endpoints: [http://a]\n    outliers: { failureRate: 0.5, maxEjected: "50" }\n  that: { endpoints: [http://a], outliers: true }',
    issues: [
      'F:6:30 services.it.outliers.failureRate: expected a percentage such as `20%`, not the number 0.5',
      'F:6:47 services.it.outliers.maxEjected: "50" is not a percentage; write a number with a percent sign, such as `20%`',
      'F:7:44 services.that.outliers: expected `false` or a map, not `true`',
    ],
  },
  {
    mistake: 'verification switched off with a word that does not say how dangerous that is',
    text: 'endpoints: [https://a]\n    tls: { verify: false, certificate: { cert: a.pem } }',
    issues: [
      'F:6:20 services.it.tls.verify: expected `dangerously-off`, not `false`',
      'F:6:27 services.it.tls.certificate.key: `key` is missing',
    ],
  },
  {
    mistake: 'a mistyped key of the pool',
    text: 'endpoints: [http://a]\n    pool: { conections: 5, queue: -1 }',
    issues: [
      'F:6:13 services.it.pool.conections: unknown key `conections`; did you mean `connections`?',
      'F:6:35 services.it.pool.queue: the number -1 is too small; at least 0',
    ],
  },
];

const FORMS =
  'the name of a service, a list of services with weights, or a map with `service`, `services`, `aggregate`, `batch`, `redirect`, `respond`, `jwks` or `files`';

/** Mistakes inside one route, in one line that begins with `routes: { it: { ` in line 4: columns are those of the text plus 16. */
const ROUTES: readonly Refusal[] = [
  {
    mistake: 'further attempts and timeouts where nothing is sent anywhere',
    text: 'match: {}, to: { respond: {} }, retry: false, timeouts: { request: 1s }',
    issues: [
      'F:4:56 routes.it.retry: the gateway answers itself here, so `retry` would have no effect',
      'F:4:73 routes.it.timeouts: the gateway answers itself here, so `timeouts` would have no effect',
    ],
  },
  {
    mistake: 'a timeout that belongs to connections, not to a route',
    text: 'match: {}, to: orders, timeouts: { connect: 1s }',
    issues: [
      'F:4:52 routes.it.timeouts.connect: unknown key `connect`; possible are `firstByte`, `idle`, `attempt` and `request`',
    ],
  },
  { mistake: 'a route without a match', text: 'to: orders', issues: ['F:4:11 routes.it.match: `match` is missing'] },
  { mistake: 'a route that leads nowhere', text: 'match: {}', issues: ['F:4:11 routes.it.to: `to` is missing'] },
  {
    mistake: 'a mistyped key of a match',
    text: 'to: orders, match: { pth: /a }',
    issues: ['F:4:38 routes.it.match.pth: unknown key `pth`; did you mean `path`?'],
  },
  {
    mistake: 'a path without its slash, beside a wrong method',
    text: 'to: orders, match: { path: orders, method: get }',
    issues: [
      'F:4:44 routes.it.match.path: "orders" must begin with `/`; write "/orders"',
      'F:4:60 routes.it.match.method: "get": methods are case-sensitive; write `GET`',
    ],
  },
  {
    mistake: 'an expression that does not compile, in a list of paths in a list of matches',
    text: 'to: orders, match: [{}, { path: [/a, { regex: "(" }] }]',
    issues: ['F:4:63 routes.it.match[1].path[1].regex: "(" is not a regular expression: unterminated group'],
  },
  {
    mistake: 'a path that is neither',
    text: 'to: orders, match: { path: 5 }',
    issues: ['F:4:44 routes.it.match.path: expected a path, or a map with `regex`, not the number 5'],
  },
  {
    mistake: 'conditions that are no text',
    text: 'to: orders, match: { headers: { a: 2, b: true, c: { presnt: true } } }',
    issues: [
      'F:4:52 routes.it.match.headers.a: expected text, not `2`; put it in quotes: `"2"`',
      'F:4:58 routes.it.match.headers.b: expected text, not `true`; put it in quotes: `"true"`',
      'F:4:64 routes.it.match.headers.c.present: `present` is missing',
      'F:4:69 routes.it.match.headers.c.presnt: unknown key `presnt`; did you mean `present`?',
    ],
  },
  {
    mistake: 'the same field in different case',
    text: 'to: orders, match: { headers: { X-A: a, x-a: b } }',
    issues: ['F:4:57 routes.it.match.headers.x-a: `x-a` and `X-A` are the same field; case does not matter'],
  },
  {
    mistake: 'a listener that does not exist',
    text: 'to: orders, match: { listener: [web, wbe] }',
    issues: ['F:4:54 routes.it.match.listener[1]: there is no listener `wbe`; did you mean `web`?'],
  },
  {
    mistake: 'a service that does not exist',
    text: 'match: {}, to: ordres',
    issues: ['F:4:32 routes.it.to: there is no service `ordres`; did you mean `orders`?'],
  },
  {
    mistake: 'services that do not exist, in the other forms',
    text: 'match: {}, to: [{ service: orders }, { service: billing }]',
    issues: ['F:4:65 routes.it.to[1].service: there is no service `billing`; there is `orders`'],
  },
  {
    mistake: 'two destinations at once',
    text: 'match: {}, to: { service: orders, redirect: { path: / } }',
    issues: [
      'F:4:51 routes.it.to.redirect: `service` and `redirect` exclude each other; give one of `service`, `services`, `aggregate`, `batch`, `redirect`, `respond`, `jwks` or `files`',
    ],
  },
  {
    mistake: 'a mistyped kind of destination',
    text: 'match: {}, to: { redirct: { path: / } }',
    issues: ['F:4:34 routes.it.to.redirct: unknown key `redirct`; did you mean `redirect`?'],
  },
  {
    mistake: 'a destination without a kind',
    text: 'match: {}, to: {}',
    issues: [
      'F:4:32 routes.it.to: the map is empty; give one of `service`, `services`, `aggregate`, `batch`, `redirect`, `respond`, `jwks` or `files`',
    ],
  },
  {
    mistake: 'a number for a destination',
    text: 'match: {}, to: 5',
    issues: [`F:4:32 routes.it.to: expected ${FORMS}, not the number 5`],
  },
  {
    mistake: 'a batch that stops at a failure among requests that run at the same time',
    text: 'match: {}, to: { batch: { onFailure: stop } }',
    issues: ['F:4:54 routes.it.to.batch.onFailure: requests that run at the same time are behind none; give `parallel: 1`'],
  },
  {
    mistake: 'settings of a batch that no batch can have',
    text: 'match: {}, to: { batch: { requests: 0, inherit: [x-forwarded-for], status: 201, origins: [example.com], timeuot: 1s } }',
    issues: [
      'F:4:53 routes.it.to.batch.requests: the number 0 is too small; at least 1',
      'F:4:66 routes.it.to.batch.inherit[0]: the gateway writes `x-forwarded-for` itself',
      'F:4:92 routes.it.to.batch.status: expected `200` or `207`, not the number 201',
      'F:4:107 routes.it.to.batch.origins[0]: "example.com" is not an origin; write one such as `https://app.example.com`',
      'F:4:121 routes.it.to.batch.timeuot: unknown key `timeuot`; did you mean `timeout`?',
    ],
  },
  {
    mistake: 'times of a service on a route with a batch',
    text: 'match: {}, timeouts: { request: 1s }, to: { batch: {} }',
    issues: ['F:4:38 routes.it.timeouts: the gateway answers itself here, so `timeouts` would have no effect'],
  },
  {
    mistake: 'a list of nothing',
    text: 'match: {}, to: []',
    issues: ['F:4:32 routes.it.to: the list is empty; write at least one entry'],
  },
  {
    mistake: 'weights that take no request',
    text: 'match: {}, to: [{ service: orders, weight: 0 }]',
    issues: ['F:4:32 routes.it.to: every weight is 0, so no service would take the requests; give one a weight above 0'],
  },
  {
    mistake: 'a split among services that are not there',
    text: 'match: {}, to: { services: [{ service: orders }, { service: ordres }], fallback: { service: odrers } }',
    issues: [
      'F:4:77 routes.it.to.services[1].service: there is no service `ordres`; did you mean `orders`?',
      'F:4:109 routes.it.to.fallback.service: there is no service `odrers`; did you mean `orders`?',
    ],
  },
  {
    mistake: 'a split of nothing',
    text: 'match: {}, to: { services: [{ service: orders, weight: 0 }] }',
    issues: ['F:4:44 routes.it.to.services: every weight is 0, so no service would take the requests; give one a weight above 0'],
  },
  {
    mistake: 'requests that are kept together by a word of its own',
    text: 'match: {}, to: { services: [{ service: orders }], sticky: { by: session } }',
    issues: [
      'F:4:81 routes.it.to.sticky.by: "session" is nothing that requests are told by; write `cookie.NAME`, `header.NAME`, `claim.NAME`, `ip` or `consumer`',
    ],
  },
  {
    mistake: 'settings of a cookie where there is none',
    text: 'match: {}, to: { services: [{ service: orders }], sticky: { by: ip, ttl: 1h } }',
    issues: [
      'F:4:90 routes.it.to.sticky.ttl: `ttl` belongs to the cookie that clients are given, and `by` names none; leave it out',
    ],
  },
  {
    mistake: 'a cookie for a path that would end its attribute',
    text: 'match: {}, to: { services: [{ service: orders }], sticky: { by: cookie.a, path: "/a;b" } }',
    issues: ['F:4:97 routes.it.to.sticky.path: expected a path that begins with `/`, without spaces and semicolons'],
  },
  {
    mistake: 'what keeps requests together beside a single service',
    text: 'match: {}, to: { service: orders, sticky: { by: ip } }',
    issues: ['F:4:51 routes.it.to.sticky: unknown key `sticky`; possible are `service` and `fallback`'],
  },
  {
    mistake: 'a fallback that leads nowhere',
    text: 'match: {}, to: { service: orders, fallback: { when: [timeout] } }',
    issues: ['F:4:61 routes.it.to.fallback: the fallback leads nowhere; give `service` or `respond`'],
  },
  {
    mistake: 'a fallback to two places',
    text: 'match: {}, to: { service: orders, fallback: { service: orders, respond: {} } }',
    issues: ['F:4:80 routes.it.to.fallback.respond: `service` and `respond` exclude each other; give one of them'],
  },
  {
    mistake: 'a service that would stand in for itself',
    text: 'match: {}, to: { service: orders, fallback: { service: orders } }',
    issues: ['F:4:72 routes.it.to.fallback.service: `orders` is no fallback for itself; name another service, or give `respond`'],
  },
  {
    mistake: 'a split that stands in for itself',
    text: 'match: {}, to: { services: [{ service: orders }], fallback: { service: orders } }',
    issues: ['F:4:88 routes.it.to.fallback.service: `orders` is no fallback for itself; name another service, or give `respond`'],
  },
  {
    mistake: 'a fallback for a status that is no failure of the service',
    text: 'match: {}, to: { service: orders, fallback: { respond: {}, when: [404] } }',
    issues: ['F:4:83 routes.it.to.fallback.when[0]: the number 404 is too small; at least 500'],
  },
  {
    mistake: 'a rate over a time that is no unit',
    text: 'match: {}, to: orders, policies: { rate-limit: { limit: 100/fortnight } }',
    issues: [
      'F:4:73 routes.it.policies.rate-limit.limit: "100/fortnight": "fortnight" is no unit of time; write `second`, `minute`, `hour` or `day`, or a duration such as `10s`',
    ],
  },
  {
    mistake: 'a rate that lets nothing pass, a burst of none, and a part of a request that nobody knows',
    text: 'match: {}, to: orders, policies: { rate-limit: { limit: 0/minute, burst: 0, by: customer } }',
    issues: [
      'F:4:73 routes.it.policies.rate-limit.limit: "0/minute" lets nothing pass; at least `1/minute`',
      'F:4:90 routes.it.policies.rate-limit.burst: the number 0 is too small; at least 1',
      'F:4:97 routes.it.policies.rate-limit.by: expected `ip`, `consumer`, `route`, `header.NAME`, `cookie.NAME`, `path.NAME` or `claim.NAME`, not "customer"',
    ],
  },
  {
    mistake: 'rates and a burst that are too much',
    text: 'match: {}, to: orders, policies: { rate-limit: { limits: [2000000/second, { limit: 1/hour, burst: 100 }], by: [ip, clam.sub] } }',
    issues: [
      'F:4:75 routes.it.policies.rate-limit.limits[0]: "2000000/second" is too much; at most `1000000/second`',
      'F:4:115 routes.it.policies.rate-limit.limits[1].burst: at this limit it would take longer than a day until a burst of 100 is back; at most `24`',
      'F:4:132 routes.it.policies.rate-limit.by[1]: expected `ip`, `consumer`, `route`, `header.NAME`, `cookie.NAME`, `path.NAME` or `claim.NAME`, not "clam.sub"; did you mean `claim.NAME`?',
    ],
  },
  {
    mistake: 'a limit by a capture that the path does not have',
    text: 'match: { path: "/t/:tenant" }, to: orders, policies: { rate-limit: { limit: 1/minute, by: path.tenent } }',
    issues: [
      'F:4:107 routes.it.policies.rate-limit.by: `path.tenent`: the path "/t/:tenant" does not capture `tenent`; did you mean `path.tenant`?',
    ],
  },
  {
    mistake: 'a rate limit without a limit',
    text: 'match: {}, to: orders, policies: { rate-limit: { by: ip } }',
    issues: [
      'F:4:64 routes.it.policies.rate-limit: there is no limit; write one, such as `limit: 100/minute`, or several as `limits: [10/second, 1000/hour]`',
    ],
  },
  {
    mistake: 'a mirror that is not there',
    text: 'match: {}, to: orders, policies: { mirror: { to: shadow } }',
    issues: ['F:4:66 routes.it.policies.mirror.to: there is no service `shadow`; there is `orders`'],
  },
  {
    mistake: 'files for paths that name none',
    text: 'match: { path: [/a/*, /favicon.ico] }, to: { files: ./site }',
    issues: ['F:4:24 routes.it.match: with `to.files`, what stands for `*` is the path of the file; end each path with `/*`'],
  },
  {
    mistake: 'files of nowhere',
    text: 'match: {}, to: { files: "" }',
    issues: ['F:4:41 routes.it.to.files: the path is empty; write `.` for the folder of the configuration itself'],
  },
  {
    mistake: 'a list of folders',
    text: 'match: {}, to: { files: [./a, ./b] }',
    issues: ['F:4:41 routes.it.to.files: expected the path of a folder, or a map with `folder`, not a list'],
  },
  {
    mistake: 'settings of files that name what is not in a folder',
    text: 'match: {}, to: { files: { folder: ./a, index: a/b, fallback: ../b, notFound: /404.html } }',
    issues: [
      'F:4:63 routes.it.to.files.index: "a/b" is a path; write the name of a file',
      'F:4:78 routes.it.to.files.fallback: "../b" is not the path of a file in the folder',
      'F:4:94 routes.it.to.files.notFound: "/404.html" begins with `/`; write the path from the folder on',
    ],
  },
  {
    mistake: 'settings of files that are no values of fields',
    text: 'match: {}, to: { files: { folder: ./a, cacheControl: "a\\u00e9", types: { .md: text/markdown, txt: text }, charset: "utf 8" } }',
    issues: [
      'F:4:70 routes.it.to.files.cacheControl: "aé" is no value of a field',
      'F:4:90 routes.it.to.files.types[".md"]: expected the ending of a name without its dot, in lower case, such as `md`',
      'F:4:115 routes.it.to.files.types.txt: "text" is not a media type; write one such as `text/markdown`',
      'F:4:132 routes.it.to.files.charset: expected the name of a charset, such as `utf-8`',
    ],
  },
  {
    mistake: 'patterns of files that fit none, and codings that are not known',
    text: 'match: {}, to: { files: { folder: ./a, cacheControl: [{ files: /a/*, value: no-store }], precompressed: [deflate] } }',
    issues: [
      'F:4:80 routes.it.to.files.cacheControl[0].files: "/a/*" fits no file; write a name such as `*.html`, or a path from the folder on such as `assets/**`',
      'F:4:122 routes.it.to.files.precompressed[0]: expected `br`, `zstd` or `gzip`, not "deflate"',
    ],
  },
  {
    mistake: 'a redirect to the same place',
    text: 'match: {}, to: { redirect: { status: 301 } }',
    issues: [
      'F:4:44 routes.it.to.redirect: the redirect leads to where the client is; give `scheme`, `host`, `port`, `path` or `query`',
    ],
  },
  {
    mistake: 'a redirect with a status that is none',
    text: 'match: {}, to: { redirect: { path: /, status: 300 } }',
    issues: ['F:4:63 routes.it.to.redirect.status: expected `301`, `302`, `303`, `307` or `308`, not the number 300'],
  },
  {
    mistake: 'a redirect with its query in the path',
    text: 'match: {}, to: { redirect: { path: /a?b } }',
    issues: ['F:4:52 routes.it.to.redirect.path: "/a?b": a path has no query or fragment; use `query` beside `path`'],
  },
  {
    mistake: 'two bodies',
    text: 'match: {}, to: { respond: { text: a, json: b } }',
    issues: ['F:4:60 routes.it.to.respond.json: give `text` or `json`, not both'],
  },
  {
    mistake: 'a body where none can be',
    text: 'match: {}, to: { respond: { status: 204, text: a } }',
    issues: ['F:4:53 routes.it.to.respond.status: an answer with status 204 has no body; leave out `text` and `json`'],
  },
  {
    mistake: 'an answer that frames itself',
    text: 'match: {}, to: { respond: { headers: { Content-Length: "5", x: "a\\nb" } } }',
    issues: [
      'F:4:56 routes.it.to.respond.headers.Content-Length: the gateway writes `content-length` itself, from the body',
      'F:4:80 routes.it.to.respond.headers.x: the value of a header field is one line without control characters',
    ],
  },
  {
    mistake: 'a variable that does not exist, deep inside JSON',
    text: 'match: {}, to: { respond: { json: { a: [{ b: "${hots}" }] } } }',
    issues: ['F:4:51 routes.it.to.respond.json: "${hots}": unknown variable `${hots}`; did you mean `${host}`?'],
  },
  {
    mistake: 'a capture that one of the paths does not have',
    text: 'match: [{ path: "/a/:id" }, { path: [/b, "/c/:ids"] }], to: { redirect: { path: "/${path.id}" } }',
    issues: ['F:4:97 routes.it.to.redirect.path: `${path.id}`: the path "/b" does not capture `id`'],
  },
  {
    mistake: 'a mistyped capture in a policy',
    text: 'match: { path: "/a/:order" }, to: orders, policies: { rewrite: { path: "/${path.ordr}/$${path.x}" } }',
    issues: [
      'F:4:88 routes.it.policies.rewrite.path: `${path.ordr}`: the path "/a/:order" does not capture `ordr`; did you mean `${path.order}`?',
    ],
  },
  {
    mistake: 'a capture without a path',
    text: 'match: { host: a.example }, to: { respond: { json: { a: ["${path.id}"] } } }',
    issues: [
      'F:4:74 routes.it.to.respond.json.a[0]: `${path.id}` needs a match with a path that captures it, such as `/orders/:id`',
    ],
  },
  {
    mistake: 'the rest of a path that ends',
    text: 'match: { path: /a }, to: { redirect: { path: "/${path.*}" } }',
    issues: ['F:4:62 routes.it.to.redirect.path: `${path.*}`: the path "/a" does not end with `/*`'],
  },
  {
    mistake: 'a tie',
    text: 'match: { path: "/a/:x" }, to: orders }, that: { match: { path: ["/b", "/a/:y"] }, to: orders',
    issues: [
      'F:4:72 routes.that.match: the routes `it` and `that` tie: both match any host and path /a/:y with 0 conditions and priority 0; narrow one of them, or give one a higher `priority`',
    ],
  },
];

/** Mistakes inside the `acme` block, which begins in line 4. */
const ACME: readonly Refusal[] = [
  {
    mistake: 'a directory that is no URL',
    text: 'directory: lets-encrypt',
    issues: [
      'F:4:20 acme.directory: "lets-encrypt" is not a directory; write `letsencrypt`, `letsencrypt-staging` or an `https` URL',
    ],
  },
  {
    mistake: 'a directory without TLS',
    text: 'directory: "http://acme.internal/directory"',
    issues: ['F:4:20 acme.directory: "http://acme.internal/directory": a directory is reached over `https`'],
  },
  {
    mistake: 'an address that no mail reaches',
    text: 'email: "ops at example.com"',
    issues: ['F:4:16 acme.email: "ops at example.com" is not an e-mail address such as `ops@example.com`'],
  },
  {
    mistake: 'half an external account, and a key that is not base64',
    text: 'externalAccount: { hmacKey: "this is the key" }',
    issues: [
      'F:4:9 acme.externalAccount.keyId: `keyId` is missing',
      'F:4:37 acme.externalAccount.hmacKey: expected the key as the authority gave it, in base64',
    ],
  },
  {
    mistake: 'a challenge that is not supported',
    text: 'challenge: dns-01',
    issues: ['F:4:20 acme.challenge: expected `http-01` or `tls-alpn-01`, not "dns-01"'],
  },
];

async function issueLines(text: string): Promise<string[]> {
  const { configuration, issues } = await loadConfigurationText(text, 'F', { policies, env: {} });
  assert.equal(configuration, undefined);
  return issues.map(formatIssue);
}

function refuseAll(refusals: readonly Refusal[], wrap: (text: string) => string): void {
  for (const { mistake, text, issues } of refusals) {
    test(`refuses ${mistake}`, async () => assert.deepEqual(await issueLines(wrap(text)), issues));
  }
}

refuseAll(DOCUMENTS, (text) => text);
refuseAll(PARTS, (text) => `${HEAD}${text}\n`);
refuseAll(ACME, (text) => `${HEAD}acme: { ${text} }\n`);

/** A listener with a certificate that is ordered for these names, and the `acme` block behind it. */
function ordering(names: string, acme: string, others = 'web: { address: ":80" }'): string {
  return `version: 1\nlisteners:\n  ${others}\n  secure: { address: ":443", tls: { certificates: [{ acme: ${names} }] } }\n${acme}`;
}

test('refuses an ordered certificate when nothing says where it is ordered', async () => {
  assert.deepEqual(await issueLines(ordering('[a.example.com]', '')), [
    'F:4:60 listeners.secure.tls.certificates[0].acme: there is no `acme` block that says where certificates are ordered; write one, such as `acme: { email: ops@example.com }`',
  ]);
});

test('refuses a challenge that no listener could answer', async () => {
  const other = 'other: { address: ":444", tls: { certificates: [{ cert: a.pem, key: a.key }] } }';
  const ending =
    'the challenge `http-01` is answered by a listener without `tls`, and there is none; add one that is reached on port 80, or use `challenge: tls-alpn-01`';
  assert.deepEqual(await issueLines(ordering('[a.example.com]', 'acme: {}', other)), [`F:5:7 acme: ${ending}`]);
  assert.deepEqual(await issueLines(ordering('[a.example.com]', 'acme: { challenge: http-01 }', other)), [
    `F:5:20 acme.challenge: ${ending}`,
  ]);
});

test('refuses names that no authority signs', async () => {
  const names = '["*.example.com", 10.0.0.1, localhost, my_shop.example.com, a.example.com, A.example.com]';
  const lines = await issueLines(ordering(names, 'acme: {}'));
  const path = 'listeners.secure.tls.certificates[0].acme';
  assert.deepEqual(
    lines.map((line) => line.replace(/^F:4:\d+ /, '')),
    [
      `${path}[0]: "*.example.com": a certificate for every name below one can only be ordered with the challenge \`dns-01\`, which is not supported; list the names`,
      `${path}[1]: "10.0.0.1": certificates are ordered for host names, not for addresses`,
      `${path}[2]: "localhost" is not a host name that a certificate can be ordered for, such as \`shop.example.com\``,
      `${path}[3]: "my_shop.example.com" is not a host name that a certificate can be ordered for, such as \`shop.example.com\``,
    ],
  );
  assert.match(
    (await issueLines(ordering('[a.example.com, A.example.com]', 'acme: {}'))).join(),
    /"a\.example\.com" is in the list already/,
  );
});

refuseAll(LISTENERS, (text) => `listeners:\n  it:\n    ${text}\nversion: 1\n`);
test('refuses a route to a service that takes bytes', async () => {
  const services = 'services: { a: { endpoints: ["tcp://a:1"] }, b: { endpoints: [{ url: "TLS://b:1" }] } }';
  const routes = 'routes: { r: { match: { path: /a }, to: a }, s: { match: { path: /b }, to: [{ service: b }] } }';
  const ending = 'which takes bytes and no requests; a route needs `http` or `https`';
  assert.deepEqual(await issueLines(`version: 1\nlisteners: { web: { address: ":8080" } }\n${services}\n${routes}\n`), [
    `F:4:41 routes.r.to: the endpoints of the service \`a\` are \`tcp\`, ${ending}`,
    `F:4:88 routes.s.to[0].service: the endpoints of the service \`b\` are \`tls\`, ${ending}`,
  ]);
});

test('refuses a listener with bytes whose service takes requests, or does not exist', async () => {
  const listeners = `listeners:
  a: { address: ":1", tcp: { to: web } }
  b: { address: ":2", tls: { passthrough: { bank.example.com: [{ service: web }], "*.example.com": nobody } } }
  c: { address: ":3", tcp: { to: bytes } }
services: { web: { endpoints: [https://a] }, bytes: { endpoints: ["tcp://a:1"] } }
routes: { r: { match: { listener: c }, to: web } }`;
  const ending = 'and what is passed on here are bytes of any kind; it needs `tcp` or `tls`';
  assert.deepEqual(await issueLines(`version: 1\n${listeners}\n`), [
    `F:3:34 listeners.a.tcp.to: the endpoints of the service \`web\` are \`https\`, ${ending}`,
    `F:4:75 listeners.b.tls.passthrough["bank.example.com"][0].service: the endpoints of the service \`web\` are \`https\`, ${ending}`,
    'F:4:100 listeners.b.tls.passthrough["*.example.com"]: there is no service `nobody`; there are `web` and `bytes`',
    'F:7:35 routes.r.match.listener: the listener `c` passes bytes on (`tcp`), so no request ever comes through it',
  ]);
});

test('refuses settings that mean nothing where bytes are passed on', async () => {
  const text = `version: 1
listeners:
  a:
    address: ":1"
    http2: { streams: 1 }
    policies: {}
    timeouts: { head: 1s, keepAlive: 1s, tunnelIdle: 1s }
    tls:
      certificates: [{ cert: a, key: b }]
      clientCertificates: { mode: optional, ca: c, onFailure: answer, forward: client-cert }
    tcp: { to: s }
  b:
    address: ":2"
    tls: { policy: modern, passthrough: { bank.example.com: s } }
services:
  s: { endpoints: ["tcp://a:1"], pool: { queue: 1 }, timeouts: { connect: 1s, firstByte: 1s } }
`;
  const noHttp = 'a listener with `tcp` reads no HTTP, so';
  const bytes = 'endpoints with `tcp` take bytes, one connection for each client, so';
  const ending = 'would have no effect; leave it out';
  assert.deepEqual(await issueLines(text), [
    `F:5:5 listeners.a.http2: ${noHttp} \`http2\` ${ending}`,
    `F:6:5 listeners.a.policies: ${noHttp} \`policies\` ${ending}`,
    `F:7:27 listeners.a.timeouts.keepAlive: ${noHttp} \`keepAlive\` ${ending}`,
    `F:7:42 listeners.a.timeouts.tunnelIdle: ${noHttp} \`tunnelIdle\` ${ending}`,
    'F:10:63 listeners.a.tls.clientCertificates.onFailure: a listener with `tcp` reads no HTTP, so it could not answer; leave `onFailure` out, and the handshake fails',
    `F:10:71 listeners.a.tls.clientCertificates.forward: ${noHttp} \`forward\` ${ending}`,
    `F:14:12 listeners.b.tls.policy: without \`certificates\` TLS is ended for no host, so \`policy\` ${ending}`,
    `F:16:34 services.s.pool: ${bytes} \`pool\` ${ending}`,
    `F:16:79 services.s.timeouts.firstByte: ${bytes} \`firstByte\` ${ending}`,
  ]);
});

test('refuses hosts to pass through that are none, or the same', async () => {
  const listener = (passthrough: string) => `version: 1
listeners: { a: { address: ":1", tls: { passthrough: ${passthrough} } } }
services: { s: { endpoints: ["tcp://a:1"] } }
`;
  const path = 'listeners.a.tls.passthrough';
  assert.deepEqual(await issueLines(listener('{}')), [
    `F:2:54 ${path}: there is no host; name one, or leave \`passthrough\` out`,
  ]);
  assert.deepEqual(await issueLines(listener('{ a.b: s, A.b.: s }')), [
    `F:2:70 ${path}["A.b."]: \`A.b.\` and \`a.b\` are the same host`,
  ]);
  assert.match((await issueLines(listener('{ "a.b:443": s }'))).join(), /a host has no port here/);
});

test('refuses TLS with neither a certificate nor a host to pass through', async () => {
  const text = 'version: 1\nlisteners: { a: { address: ":1", tls: {} } }\n';
  assert.deepEqual(await issueLines(text), [
    'F:2:34 listeners.a.tls.certificates: `certificates` is missing; without it, `passthrough` names hosts whose TLS somebody else ends',
  ]);
});

test('refuses requests to endpoints for bytes that are found, and bytes to those for HTTP', async () => {
  const text = `version: 1
listeners: { web: { address: ":1" }, db: { address: ":2", tcp: { to: http } } }
services:
  bytes: { discover: { dns: { name: db, type: SRV, scheme: tcp } } }
  http: { discover: { consul: { service: a } } }
routes: { all: { match: {}, to: bytes } }
`;
  assert.deepEqual(await issueLines(text), [
    'F:2:70 listeners.db.tcp.to: the endpoints of the service `http` are `http`, and what is passed on here are bytes of any kind; it needs `tcp` or `tls`',
    'F:6:33 routes.all.to: the endpoints of the service `bytes` are `tcp`, which takes bytes and no requests; a route needs `http` or `https`',
  ]);
});

test('refuses a token of the admin side that can be guessed', async () => {
  const text = `${HEAD}admin: { address: "127.0.0.1:1", token: abcdefghijklmno }\n`;
  assert.deepEqual(await issueLines(text), [
    'F:4:41 admin.token: the token is too short; at least 16 characters, such as `openssl rand -hex 32` makes',
  ]);
  const longer = await loadConfigurationText(text.replace('mno', 'mnop'), 'F', { policies: [], env: {} });
  assert.deepEqual(longer.issues, []);
});

const adminMistakes: readonly { mistake: string; admin: string; issues: readonly RegExp[] }[] = [
  {
    mistake: 'a token without a token',
    admin: '{ address: "127.0.0.1:1", tokens: { a: { role: read } } }',
    issues: [/^F:4:\d+ admin\.tokens\.a: there is neither `token` nor `sha256`$/],
  },
  {
    mistake: 'a token and its hash',
    admin: `{ address: "127.0.0.1:1", tokens: { a: { role: read, token: 0123456789abcdef0, sha256: "${'a'.repeat(64)}" } } }`,
    issues: [/admin\.tokens\.a\.sha256: `sha256` stands in the place of `token`; write one of them$/],
  },
  {
    mistake: 'a role that there is not',
    admin: '{ address: "127.0.0.1:1", tokens: { a: { role: root, token: x0123456789abcdef } } }',
    issues: [/admin\.tokens\.a\.role: .*`read`.*`operate`.*`admin`/],
  },
  {
    mistake: 'the name of somebody else',
    admin: '{ address: "127.0.0.1:1", tokens: { loopback: { role: read, token: x0123456789abcdef } } }',
    issues: [/admin\.tokens\.loopback: the audit log means somebody else by `loopback`; choose another name$/],
  },
  {
    mistake: 'configurations that nobody could apply',
    admin: '{ address: ":1", apply: true }',
    issues: [/admin\.apply: nobody could: others can reach `admin\.address`, and there is no token; write `admin\.tokens`$/],
  },
  {
    mistake: 'metrics that nobody could ask for',
    admin: '{ address: "127.0.0.1:1", protectMetrics: true }',
    issues: [/admin\.protectMetrics: there is no token that could be shown; write `admin\.tokens`$/],
  },
];

for (const { mistake, admin, issues } of adminMistakes) {
  test(`refuses on the admin side ${mistake}`, async () => {
    const lines = await issueLines(`${HEAD}admin: ${admin}\n`);
    assert.equal(lines.length, issues.length, lines.join('\n'));
    for (const [index, issue] of issues.entries()) assert.match(lines[index]!, issue);
  });
}

test('warns of tokens that are sent in clear to an address that others reach', async () => {
  const load = (admin: string) => loadConfigurationText(`${HEAD}admin: ${admin}\n`, 'F', { policies: [], env: {} });
  const tokens = 'tokens: { a: { role: read, token: x0123456789abcdef } }';
  const warned = await load(`{ address: ":1", ${tokens} }`);
  assert.deepEqual(
    warned.issues.map(({ severity, path }) => `${severity} ${path.join('.')}`),
    ['warning admin.address'],
  );
  assert.notEqual(warned.configuration, undefined);
  const calm = [
    `{ address: "127.0.0.1:1", ${tokens} }`,
    `{ address: "unix:/run/admin", ${tokens} }`,
    '{ address: ":1" }',
    `{ address: ":1", ${tokens}, tls: { cert: a.pem, key: a.key } }`,
  ];
  for (const admin of calm) assert.deepEqual((await load(admin)).issues, [], admin);
});

test('refuses PROXY headers on a Unix socket', async () => {
  const text = 'version: 1\nlisteners: { a: { address: "unix:/run/a", proxyProtocol: { from: [10.0.0.0/8] } } }\n';
  assert.match((await issueLines(text)).join(), /a Unix socket has no peers with addresses/);
});

refuseAll(SERVICES, (text) => `version: 1\nlisteners: { web: { address: ":8080" } }\nservices:\n  it:\n    ${text}\n`);
refuseAll(ROUTES, (text) => `${HEAD}routes: { it: { ${text} } }\n`);

test('reports all mistakes at once, in the order of the text', async () => {
  const text = `version: 3
listeners:
  web: { address: 8080 }
routes:
  a: { match: { path: a }, to: nowhere }
  a: { match: {}, to: { redirect: {} } }
polices: {}
`;
  assert.deepEqual(await issueLines(text), [
    'F:1:10 version: expected `1`, not the number 3',
    'F:3:19 listeners.web.address: expected an address such as `0.0.0.0:8080`, not the number 8080',
    'F:6:3 routes.a: the key `a` is here a second time; the first is in line 5',
    'F:6:35 routes.a.to.redirect: the redirect leads to where the client is; give `scheme`, `host`, `port`, `path` or `query`',
    'F:7:1 polices: unknown key `polices`; did you mean `policies`?',
  ]);
});

test('points into the map that another one merges', async () => {
  const text = 'version: 1\nlisteners:\n  a: &a { address: ":1", maxConnections: many }\n  b: { <<: *a, address: ":2" }\n';
  assert.deepEqual(await issueLines(text), [
    'F:3:42 listeners.a.maxConnections: expected a number, not the text "many"',
    'F:3:42 listeners.b.maxConnections: expected a number, not the text "many"',
  ]);
});
