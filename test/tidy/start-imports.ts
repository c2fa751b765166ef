/**
 * House rule on starting: what each thread loads before it can do its work is kept small. Static imports count, with all
 * that they import; what is loaded by `import()` is loaded when it is needed.
 */
import { type ImportMap, importMapOf, resolveImport } from './imports.ts';
import type { Finding, RepositoryFile } from './repository.ts';
import { lineAt, scanSource } from './source-text.ts';

interface Start {
  readonly entries: readonly string[];
  /** Paths and packages that must not be among what is loaded, with the reason. */
  readonly spared: Readonly<Record<string, string>>;
}

const starts: readonly Start[] = [
  {
    entries: ['src/runtime/data-thread.ts'],
    spared: {
      zod: 'data threads are given what has been validated',
      yaml: 'data threads are given what has been read',
      'js-yaml': 'data threads are given what has been read',
      'node:http': 'importing it loads its `fetch` and `WebSocket` too, which takes longer than all of ours',
      'node:http2': 'both sides speak HTTP/2 by our own codec; health checks alone load it, where they run',
      '@marcbachmann/cel-js': 'needed only by configurations with an expression',
      '@bufbuild/re2': 'needed only by expressions with a pattern',
      'mmdb-lib': 'the control thread has read the database',
      'ajv/dist/2020.js': 'needed only by configurations with a schema',
      'ajv-formats': 'needed only by configurations with a schema',
      '@platformatic/kafka': 'a thread of its own sends to Kafka',
    },
  },
  {
    entries: ['src/cli/main.ts', 'src/cli/start.ts', 'src/cli/serve.ts'],
    spared: {
      'src/runtime/data-plane.ts': 'other threads serve',
      'node:http': 'importing it loads its `fetch` and `WebSocket` too; health checks load it where they are configured',
      'node:http2': 'other threads serve',
      'node:tls': 'needed only by configurations that name files',
      'node:crypto': 'importing it loads Web Crypto too; needed only by configurations that name files',
      hono: 'needed only by who asks the admin API',
      '@hono/zod-openapi': 'needed only by who asks the admin API',
      'src/runtime/discovery.ts': 'needed only by configurations with `discover`',
      'node:sqlite': 'needed only by configurations that name a file to keep state in',
      '@peculiar/x509': 'needed only by who signs',
      'acme-client': 'needed only by who orders',
      '@marcbachmann/cel-js': 'needed only by configurations with an expression',
      '@bufbuild/re2': 'needed only by expressions with a pattern',
      'mmdb-lib': 'needed only by configurations with a database of countries',
      '@platformatic/kafka': 'a thread of its own sends to Kafka',
      'src/openapi/contract-reader.ts': 'needed only by configurations that name a document or a schema',
    },
  },
];

const importKeyword = /\b(?:import|export)\b(?!\s*[(.])/g;

export function startImports(files: readonly RepositoryFile[]): Finding[] {
  const importMap = importMapOf(files);
  const byPath = new Map(files.map((file) => [file.path, file]));
  return starts.flatMap(({ entries, spared }) => {
    const findings: Finding[] = [];
    const seen = new Set(entries);
    // Grows while it is walked.
    for (const path of seen) {
      const file = byPath.get(path);
      for (const { target, line } of file === undefined ? [] : staticImports(file, importMap)) {
        const reason = spared[target];
        if (reason === undefined) seen.add(target);
        else findings.push({ rule: 'start-imports', path, line, message: `${target} is loaded at each start: ${reason}` });
      }
    }
    return findings;
  });
}

/** Without `import type`, which Node erases whole; `import { type A }` it does load. */
function staticImports({ path, text }: RepositoryFile, importMap: ImportMap): { target: string; line: number }[] {
  const { code, strings } = scanSource(text);
  return strings.flatMap(({ start, text: specifier }) => {
    const before = code.slice(0, start);
    if (!/\b(?:from|import)\s*$/.test(before)) return [];
    const keywordAt = [...before.matchAll(importKeyword)].at(-1)?.index ?? 0;
    if (/^(?:import|export)\s+type\b/.test(before.slice(keywordAt))) return [];
    return [{ target: resolveImport(path, specifier, importMap) ?? specifier, line: lineAt(text, start) }];
  });
}
