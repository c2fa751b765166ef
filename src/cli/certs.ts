/** `gatehouse certs`: every certificate of a configuration, and certificates for development. */
import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { relative, resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { CertificateFacts } from '#certificates/certificate-facts.ts';
import { listCertificatesOnDisk } from '#certificates/certificate-listing.ts';
import type { DevelopmentFiles } from '#certificates/development.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { readHostPattern } from '#schema/host-pattern.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const EXIT_UNUSABLE = 1;

const listSyntax = {
  name: 'certs',
  options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } },
  help: `Usage: gatehouse certs [--config FILE] [--json]
       gatehouse certs dev [--hosts NAMES] [--out FOLDER]

Lists every certificate of the configuration: those that listeners serve, from files and ordered (ACME), and those that
services are shown. It reads the files, and needs no running gateway. \`gatehouse certs dev\` makes certificates for
development; \`gatehouse certs dev --help\` tells more.

Options:
  -c, --config FILE  the configuration; otherwise the first of ${defaultFileNames.join(', ')}
      --json         the same as JSON, for programs
  -h, --help         this text

Exit status: 0 when all certificates can be used, 1 when one has expired, cannot be read or has another key, 2 when the
configuration or the command line is refused.
`,
} as const;

const devSyntax = {
  name: 'certs dev',
  options: { hosts: { type: 'string' }, out: { type: 'string' } },
  help: `Usage: gatehouse certs dev [--hosts NAMES] [--out FOLDER]

Makes an authority and a certificate for development, and says how to trust and use them. Run again, it keeps the authority,
so that it is trusted once and signs as many certificates as you like.

  gatehouse certs dev --hosts shop.localhost,*.shop.localhost

Options:
      --hosts NAMES  host names and addresses, with commas between them; otherwise localhost,127.0.0.1,::1
      --out FOLDER   where the files go; otherwise ./certs
  -h, --help         this text

Keep ca.key to yourself: whoever has it can pose as any site to those who trust the authority.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runCerts(args: string[], io: CommandIo): Promise<number> {
  return args[0] === 'dev' ? makeDevelopmentFiles(args.slice(1), io) : listCertificates(args, io);
}

async function listCertificates(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, listSyntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { config, json = false } = read.values;
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) {
    io.stderr(`gatehouse certs: there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE\n`);
    return EXIT_REFUSED;
  }
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  if (loaded.configuration === undefined) {
    for (const issue of loaded.issues) io.stderr(`${formatIssue(issue)}\n`);
    return EXIT_REFUSED;
  }
  const certificates = await listCertificatesOnDisk(loaded.configuration, systemClock.wallMs());
  io.stdout(json ? `${JSON.stringify(certificates.map(toJson), undefined, 2)}\n` : toText(certificates, io.cwd));
  return certificates.some(isUnusable) ? EXIT_UNUSABLE : EXIT_OK;
}

function isUnusable({ problem }: CertificateFacts): boolean {
  return problem !== undefined && ['expired', 'unreadable', 'mismatched-key'].includes(problem.kind);
}

function toJson({ use, names, issuer, notBeforeMs, notAfterMs, daysLeft, fingerprint, problem }: CertificateFacts): object {
  const { listener, service, source, path } = use;
  const toDate = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  const dates = { notBefore: toDate(notBeforeMs), notAfter: toDate(notAfterMs) };
  return { listener, service, names, issuer, ...dates, daysLeft, source, file: path, fingerprint, problem };
}

function toText(certificates: readonly CertificateFacts[], cwd: string): string {
  if (certificates.length === 0) return 'The configuration has no certificates.\n';
  const rows = certificates.map(({ use, names, issuer, notAfterMs, daysLeft }) => [
    use.listener ?? `service ${use.service}`,
    names.join(', '),
    issuer ?? '-',
    notAfterMs === undefined ? '-' : new Date(notAfterMs).toISOString().slice(0, 10),
    daysLeft === undefined ? '-' : String(daysLeft),
    use.source,
  ]);
  const lines = toColumns([['LISTENER', 'NAMES', 'ISSUER', 'EXPIRES', 'DAYS LEFT', 'SOURCE'], ...rows]);
  const problems = certificates.flatMap(({ use, problem }) =>
    problem === undefined ? [] : [`${use.listener ?? `service ${use.service}`}: ${toShownPath(use.path, cwd)}: ${problem.text}`],
  );
  return `${[...lines, ...(problems.length === 0 ? [] : ['', ...problems])].join('\n')}\n`;
}

function toColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** A path as one would type it here. */
function toShownPath(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near.startsWith('..') ? path : near;
}

async function makeDevelopmentFiles(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, devSyntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { hosts: written = 'localhost,127.0.0.1,::1', out = 'certs' } = read.values;
  const hosts = readHosts(written);
  if (typeof hosts === 'string') return refuse(io, hosts);
  const { createDevelopmentFiles } = await import('#certificates/development.ts');
  const authorityName = `Gatehouse development (${userInfo().username}@${hostname()})`;
  const options = { folder: resolve(io.cwd, out), hosts, nowMs: systemClock.wallMs(), authorityName };
  try {
    io.stdout(toGuide(await createDevelopmentFiles(options), hosts, io.cwd));
    return EXIT_OK;
  } catch (error) {
    return refuse(io, `${out} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse certs dev: ${reason}\n`);
  return EXIT_REFUSED;
}

function readHosts(written: string): string[] | string {
  const hosts: string[] = [];
  for (const text of written.split(',').map((part) => part.trim())) {
    const reading = readHostPattern(text);
    if ('problem' in reading) return `--hosts ${reading.problem}`;
    hosts.push(reading.value.source.replace(/^\[(.*)\]$/, '$1'));
  }
  return [...new Set(hosts)];
}

function toGuide(files: DevelopmentFiles, hosts: readonly string[], cwd: string): string {
  const show = (path: string) => toShownPath(path, cwd);
  const { ca, cert, key, caKey } = files;
  const url = `https://${hosts[0]!.includes(':') ? `[${hosts[0]}]` : hosts[0]!.replace('*', 'any')}:8443/`;
  return `${show(ca)}  the authority, ${files.isNewAuthority ? 'new' : 'kept'} (its key: ${show(caKey)})
${show(cert)}  the certificate for ${hosts.join(', ')}, ${files.isNewCertificate ? 'new' : 'kept'} (its key: ${show(key)})

In the configuration:

  listeners:
    secure:
      address: 127.0.0.1:8443
      tls: { certificates: [{ cert: ${JSON.stringify(toConfigured(show(cert)))}, key: ${JSON.stringify(toConfigured(show(key)))} }] }

To trust the authority in one command:

  curl --cacert ${show(ca)} ${url}
  NODE_EXTRA_CA_CERTS=${show(ca)} node client.js

To trust it on this machine:

  Debian, Ubuntu   sudo cp ${show(ca)} /usr/local/share/ca-certificates/gatehouse-dev.crt && sudo update-ca-certificates
  Fedora, RHEL     sudo trust anchor ${show(ca)}
  macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${show(ca)}
  Windows          certutil -addstore -user Root ${show(ca)}
  Firefox          Settings, Privacy & Security, View Certificates, Authorities, Import
`;
}

function toConfigured(path: string): string {
  return path.startsWith('/') ? path : `./${path}`;
}
