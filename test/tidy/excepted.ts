/** Applies the list of exceptions to findings, and finds the exceptions that have outlived their reason. */
import type { Exception } from './exceptions.ts';
import type { Finding } from './repository.ts';

export function withoutExcepted(findings: readonly Finding[], exceptions: readonly Exception[]): Finding[] {
  return findings.filter((finding) => !exceptions.some((exception) => covers(exception, finding)));
}

export function unneededExceptions(findings: readonly Finding[], exceptions: readonly Exception[]): Exception[] {
  return exceptions.filter((exception) => !findings.some((finding) => covers(exception, finding)));
}

function covers(exception: Exception, finding: Finding): boolean {
  return exception.rule === finding.rule && exception.file === finding.path;
}
