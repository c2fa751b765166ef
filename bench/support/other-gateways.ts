/** nginx, HAProxy and Caddy as gateways in front of the same two upstreams, each with one worker, and nginx as the upstream itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type BenchCertificate, joinCertificate } from './bench-certificate.ts';
import { type Child, findProgram, startChild, waitFor } from './child-process.ts';
import { findFreePort } from './free-port.ts';
import { smallBody } from './upstream-program.ts';

export interface OtherSettings {
  readonly folder: string;
  /** The upstream of small answers, and that of `/files/`. */
  readonly smallPort: number;
  readonly filesPort: number;
  /** Serves HTTPS with it, HTTP/1.1 and HTTP/2; without it plain HTTP. */
  readonly certificate?: BenchCertificate;
  readonly cpu?: number;
  readonly openFiles?: number;
}

export interface RunningProgram {
  readonly child: Child;
  readonly port: number;
}

type Start = (settings: OtherSettings) => Promise<RunningProgram>;

/** By the name of the program, which is also what has to be installed. */
export const otherGateways: Readonly<Record<string, Start>> = { nginx: startNginx, haproxy: startHaproxy, caddy: startCaddy };

const nginxCommon = (folder: string, name: string) =>
  `daemon off; error_log ${folder}/${name}-error.log; pid ${folder}/${name}.pid; worker_processes 1; worker_rlimit_nofile 20000; events { worker_connections 20000; }`;

function startNginx(settings: OtherSettings): Promise<RunningProgram> {
  const { folder, smallPort, filesPort, certificate } = settings;
  const tls = certificate === undefined ? '' : ` ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};`;
  return start(settings, (port) => {
    const path = join(folder, 'nginx.conf');
    writeFileSync(
      path,
      `${nginxCommon(folder, 'nginx')}
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600s;
  upstream small { server 127.0.0.1:${smallPort}; keepalive 512; keepalive_requests 100000000; }
  upstream files { server 127.0.0.1:${filesPort}; keepalive 512; keepalive_requests 100000000; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_id;
  server { listen 127.0.0.1:${port}${certificate === undefined ? '' : ' ssl http2'} backlog=4096;${tls}
    location / { proxy_pass http://small; } location /files/ { proxy_pass http://files; } } }
`,
    );
    return { command: [findProgram('nginx')!, '-c', path] };
  });
}

/** nginx in front of a server of gRPC. */
export function startNginxForGrpc(
  settings: Pick<OtherSettings, 'folder' | 'cpu'> & { readonly upstreamPort: number; readonly streams: number },
): Promise<RunningProgram> {
  const { folder, upstreamPort, streams } = settings;
  return start(settings, (port) => {
    const path = join(folder, 'nginx-grpc.conf');
    writeFileSync(
      path,
      `${nginxCommon(folder, 'nginx-grpc')}
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600s; http2_max_concurrent_streams ${streams};
  upstream calls { server 127.0.0.1:${upstreamPort}; keepalive 512; keepalive_requests 100000000; }
  grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for; grpc_set_header X-Request-Id $request_id;
  server { listen 127.0.0.1:${port} http2 backlog=4096; location / { grpc_pass grpc://calls; } } }
`,
    );
    return { command: [findProgram('nginx')!, '-c', path] };
  });
}

/** nginx with TLS on its port, which answers by itself. */
export function startNginxWithTls(
  settings: Pick<OtherSettings, 'folder' | 'cpu'> & { readonly cert: string; readonly key: string },
): Promise<RunningProgram> {
  const { folder, cert, key } = settings;
  return start(settings, (port) => {
    const path = join(folder, 'nginx-tls.conf');
    writeFileSync(
      path,
      `${nginxCommon(folder, 'nginx-tls')}
http { access_log off; ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
  server { listen 127.0.0.1:${port} ssl backlog=4096; return 200 'hello'; } }
`,
    );
    return { command: [findProgram('nginx')!, '-c', path] };
  });
}

/** nginx that keeps what is under `/kept/`, and asks for the rest each time. */
export function startNginxWithCache(settings: Pick<OtherSettings, 'folder' | 'cpu' | 'smallPort'>): Promise<RunningProgram> {
  const { folder, smallPort } = settings;
  return start(settings, (port) => {
    const path = join(folder, 'nginx-cache.conf');
    writeFileSync(
      path,
      `${process.getuid?.() === 0 ? 'user root; ' : ''}${nginxCommon(folder, 'nginx-cache')}
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600s;
  proxy_cache_path ${folder}/nginx-cache keys_zone=kept:10m inactive=1h;
  upstream small { server 127.0.0.1:${smallPort}; keepalive 512; keepalive_requests 100000000; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_id;
  server { listen 127.0.0.1:${port} backlog=4096; location / { proxy_pass http://small; }
    location /kept/ { proxy_cache kept; proxy_cache_valid 1h; add_header Cache-Status $upstream_cache_status;
      proxy_pass http://small; } } }
`,
    );
    return { command: [findProgram('nginx')!, '-c', path] };
  });
}

function startHaproxy(settings: OtherSettings): Promise<RunningProgram> {
  const { folder, smallPort, filesPort, certificate } = settings;
  const both = join(folder, 'both.pem');
  if (certificate !== undefined) joinCertificate(certificate, both);
  const tls = certificate === undefined ? '' : ` ssl crt ${both} alpn h2,http/1.1`;
  return start(settings, (port) => {
    const path = join(folder, 'haproxy.cfg');
    writeFileSync(
      path,
      `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend web
  bind 127.0.0.1:${port}${tls}
  use_backend files if { path_beg /files/ }
  default_backend small
backend small
  server s 127.0.0.1:${smallPort}
backend files
  server s 127.0.0.1:${filesPort}
`,
    );
    return { command: [findProgram('haproxy')!, '-f', path] };
  });
}

function startCaddy(settings: OtherSettings): Promise<RunningProgram> {
  const { folder, smallPort, filesPort, certificate } = settings;
  const to = (upstreamPort: number) =>
    `reverse_proxy 127.0.0.1:${upstreamPort} {\n      transport http {\n        keepalive_idle_conns_per_host 512\n      }\n    }`;
  return start(settings, (port) => {
    const path = join(folder, 'Caddyfile');
    writeFileSync(
      path,
      `{
  admin off
  auto_https off
}
${certificate === undefined ? `http://:${port}` : `https://localhost:${port}`} {
  bind 127.0.0.1
  ${certificate === undefined ? '' : `tls ${certificate.cert} ${certificate.key}`}
  handle /files/* {
    ${to(filesPort)}
  }
  handle {
    ${to(smallPort)}
  }
}
`,
    );
    // One worker means one processor, which Go has to be told. Its own files go where they will be thrown away.
    const environment = { GOMAXPROCS: '1', HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    return { command: [findProgram('caddy')!, 'run', '--config', path, '--adapter', 'caddyfile'], environment };
  });
}

/** nginx as the upstream: small answers on one port, files on the other. */
export async function startNginxUpstreams(settings: { readonly folder: string; readonly cpu?: number }) {
  const { folder, cpu } = settings;
  const [smallPort, filesPort] = [await findFreePort(), await findFreePort()];
  const files = join(folder, 'www/files');
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, '100k'), Buffer.alloc(100 * 1024, 'x'));
  writeFileSync(join(files, '10m'), Buffer.alloc(10 * 1024 * 1024, 'x'));
  const path = join(folder, 'upstream.conf');
  writeFileSync(
    path,
    `${nginxCommon(folder, 'upstream')}
http { access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 300s; default_type application/json;
  server { listen 127.0.0.1:${smallPort} backlog=4096; location / { return 200 '${smallBody}'; } }
  server { listen 127.0.0.1:${filesPort} backlog=4096; root ${folder}/www; } }
`,
  );
  const child = startChild([findProgram('nginx')!, '-c', path], { cpu });
  await waitFor(child, 'the upstream accepts connections', async () => (await accepts(filesPort)) || undefined);
  return { child, smallPort, filesPort };
}

async function start(
  { cpu, openFiles }: Pick<OtherSettings, 'cpu' | 'openFiles'>,
  configure: (port: number) => { command: string[]; environment?: Record<string, string> },
): Promise<RunningProgram> {
  const port = await findFreePort();
  const { command, environment = {} } = configure(port);
  const child = startChild(command, { cpu, environment, ...(openFiles === undefined ? {} : { openFiles }) });
  await waitFor(child, `${command[0]} accepts connections`, async () => (await accepts(port)) || undefined, { everyMs: 20 });
  return { child, port };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
