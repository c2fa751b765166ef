/** Every certificate of a configuration as its files say now, without a running gateway. */
import { readFile } from 'node:fs/promises';
import { toDirectoryFolder } from '#config/acme-files.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CertificatePair } from '#net/certificate-check.ts';
import { AcmeStore, isMissing } from './acme-store.ts';
import { type CertificateFacts, certificateFacts, readCertificate, withoutCertificate } from './certificate-facts.ts';
import { type CertificateFiles, listCertificateUses } from './certificate-uses.ts';

export async function listCertificatesOnDisk(configuration: Configuration, nowMs: number): Promise<CertificateFacts[]> {
  return Promise.all(
    listCertificateUses(configuration).map(async (files) => {
      try {
        return certificateFacts(files.use, readCertificate(await readPair(files)), nowMs);
      } catch (error) {
        if (files.use.source !== 'acme' || !isMissing(error))
          return withoutCertificate(files.use, { kind: 'unreadable', text: explain(error) });
        return withoutCertificate(files.use, { kind: 'not-issued', text: await readReason(files, configuration) });
      }
    }),
  );
}

async function readPair({ certPath, keyPath }: CertificateFiles): Promise<CertificatePair> {
  return { cert: await readFile(certPath, 'utf8'), key: await readFile(keyPath, 'utf8') };
}

async function readReason({ certPath }: CertificateFiles, { acme }: Configuration): Promise<string> {
  const failure = await new AcmeStore(acme!.store, toDirectoryFolder(acme!)).readFailure(certPath).catch(() => undefined);
  if (failure === undefined) return 'not issued yet';
  const { failures, problem, notBeforeMs } = failure;
  const count = failures === 1 ? 'the last order failed' : `the last ${failures} orders failed`;
  return `not issued yet; ${count}: ${problem}; next try ${new Date(notBeforeMs).toISOString()}`;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (isMissing(error)) return `there is no file ${path}`;
  return code === 'EACCES' ? `${path} may not be read by this user` : error.message;
}
