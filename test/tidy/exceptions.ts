/**
 * The files that may break a house rule, each with its reason. An exception covers one rule in one file; one that is no
 * longer needed fails the tidy test. Functions that are longer than the rest say why beside themselves (`biome-ignore`).
 */

export interface Exception {
  readonly rule: string;
  readonly file: string;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  {
    rule: 'json-parse',
    file: 'src/pipeline/contract/contract-image.ts',
    reason: 'reads what the control thread of the same process wrote',
  },
  {
    rule: 'json-parse',
    file: 'src/pipeline/contract/json-text.ts',
    reason: 'reads bodies that are capped by the settings of `validate`, and parameters, which a head holds',
  },
  {
    rule: 'json-parse',
    file: 'src/openapi/document-files.ts',
    reason: 'reads files of the operator, below limits.contractBytesMax',
  },
  {
    rule: 'timers',
    file: 'src/admin/metrics-answer.ts',
    reason: 'says how long a socket of the admin side may be silent; there is no wheel in the control thread',
  },
  {
    rule: 'buffer-concat',
    file: 'src/runtime/metrics-side.ts',
    reason: 'joins a page once, whose number of series is bounded',
  },
  {
    rule: 'json-parse',
    file: 'src/cli/tap.ts',
    reason: 'reads events of a gateway that the operator has named, each of at most EVENT_LENGTH_MAX characters',
  },
  {
    rule: 'json-parse',
    file: 'src/runtime/debug-token.ts',
    reason: 'reads what the gateway itself has signed, of at most TOKEN_LENGTH_MAX characters',
  },
  {
    rule: 'timers',
    file: 'src/admin/tap-stream.ts',
    reason: 'one timer for each tap of an operator, on the control thread, which has no timer wheel',
  },
  { rule: 'json-parse', file: 'src/base/meter.ts', reason: 'reads what a thread of the same process wrote' },
  { rule: 'json-parse', file: 'src/openapi/contract-reader.ts', reason: 'reads a schema that stands in the configuration' },
  { rule: 'wall-clock', file: 'src/base/clock.ts', reason: 'is the clock that everything else takes' },
  { rule: 'monotonic-clock', file: 'src/base/clock.ts', reason: 'is the clock that everything else takes' },
  { rule: 'timers', file: 'src/base/timer-wheel.ts', reason: 'is the timer wheel that everything else uses' },
  {
    rule: 'timers',
    file: 'src/forward/short-timer.ts',
    reason: 'waits for less than a tick of the timer wheel; one for a request that is retried or hedged, and none for others',
  },
  {
    rule: 'timers',
    file: 'src/sources/file/file-watcher.ts',
    reason: 'one timer per process, on the control thread; it waits for files, not for requests',
  },
  {
    rule: 'random',
    file: 'src/routing/route-image-writer.ts',
    reason: 'seeds a hash that nobody outside sees; no look-up depends on the seed',
  },
  {
    rule: 'environment',
    file: 'src/gatehouse.ts',
    reason: 'is the way in for programs that embed the gateway, as cli is for people',
  },
  {
    rule: 'json-parse',
    file: 'src/wire/json/json-value.ts',
    reason: 'reads a span of a document that has been read, with its limits, for who cannot do without the value',
  },
  {
    rule: 'json-parse',
    file: 'src/telemetry/recording/recording-reader.ts',
    reason: 'reads lines of a file of the operator, each below limits.recordingLineBytesMax',
  },
  {
    rule: 'bare-error',
    file: 'src/policies/transform/xml-codec.ts',
    reason: 'is thrown through the library of XML, which asks what to do with a name, and caught by who calls it',
  },
  {
    rule: 'json-parse',
    file: 'src/cli/admin-answers.ts',
    reason: 'parses the answer of a gateway that the user has named',
  },
  {
    rule: 'json-parse',
    file: 'src/runtime/history-folder.ts',
    reason: 'parses files that the gateway has written itself, capped at limits.historyBytesMax',
  },
  {
    rule: 'json-parse',
    file: 'src/runtime/running-configurations.ts',
    reason: 'parses a configuration that has run, which the gateway has written as JSON itself',
  },
  {
    rule: 'buffer-concat',
    file: 'src/policies/error-pages/pages.ts',
    reason: 'joins the pieces of a page once, below PAGE_BYTES_MAX',
  },
  {
    rule: 'buffer-concat',
    file: 'src/policies/transform/body-change.ts',
    reason: 'joins the pieces of a changed body once, below the setting `maxBytes`',
  },
  {
    rule: 'buffer-concat',
    file: 'src/http/http1-request-receiver.ts',
    reason: 'holds bytes behind a request; reading pauses at limits.pipelinedBytesMax',
  },
  {
    rule: 'buffer-concat',
    file: 'src/http/http1-upstream-connection.ts',
    reason: 'holds what was read before the pause took hold; reading is paused at once',
  },
  {
    rule: 'buffer-concat',
    file: 'src/http/http2-sending-stream.ts',
    reason: 'joins what an upstream sends before its pause takes hold with what waits for its client; it pauses at once',
  },
  {
    rule: 'buffer-concat',
    file: 'src/forward/tcp-connection.ts',
    reason: 'holds what was read before the pause took hold; reading is paused from the first byte on',
  },
  {
    rule: 'buffer-concat',
    file: 'src/base/byte-collector.ts',
    reason: 'joins what has come once, below the size that the caller allows',
  },
  {
    rule: 'buffer-concat',
    file: 'src/aggregate/join-pieces.ts',
    reason: 'joins the pieces of what a mapping has made once, below the size that its setting allows',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/opa/opa-decision.ts',
    reason: 'parses the answer of an agent that the operator runs, capped at the setting `maxAnswer`',
  },
  {
    rule: 'body-to-string',
    file: 'src/policies/opa/opa-decision.ts',
    reason: 'reads the JSON of such an answer',
  },
  {
    rule: 'buffer-concat',
    file: 'src/files/file-answer.ts',
    reason: 'joins ranges of a file once, below limits.fileReadBytes',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/idempotency/kept-record.ts',
    reason: 'reads what the gateway itself wrote to a store, of at most limits.storeValueBytesMax',
  },
  {
    rule: 'buffer-concat',
    file: 'src/policies/idempotency/kept-record.ts',
    reason: 'joins a head and a body once, below the setting `maxAnswer`',
  },
  {
    rule: 'buffer-concat',
    file: 'src/net/http-call.ts',
    reason: 'joins the parts of an answer once, below the size that the caller allows',
  },
  {
    rule: 'buffer-concat',
    file: 'src/policies/compress/compressed-answer.ts',
    reason: 'joins the parts of a short answer once, below limits.compressedAtOnceBytesMax',
  },
  {
    rule: 'body-to-string',
    file: 'src/http/inject.ts',
    reason: 'collects an answer for a program that embeds the gateway and asked for its text',
  },
  {
    rule: 'json-parse',
    file: 'src/http/inject.ts',
    reason: 'collects an answer for a program that embeds the gateway and asked for its JSON',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/oidc/login-attempts.ts',
    reason: 'reads what the gateway itself sealed, from a cookie that fits into the head of a request',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/oidc/session.ts',
    reason: 'reads what the gateway itself sealed, made of answers that are cut at ANSWER_BYTES_MAX',
  },
  {
    rule: 'json-parse',
    file: 'src/certificates/acme-store.ts',
    reason: 'reads small files of our own, of at most STATE_BYTES_MAX characters',
  },
  {
    rule: 'json-parse',
    file: 'src/certificates/acme-transport.ts',
    reason: 'reads answers of an authority, which are cut at ANSWER_BYTES_MAX',
  },
  {
    rule: 'json-parse',
    file: 'src/net/client-certificate.ts',
    reason: 'reads one name of a certificate, which a handshake message holds',
  },
  {
    rule: 'json-parse',
    file: 'src/snapshot/arrived-configuration.ts',
    reason: 'reads what the control thread of the same process wrote',
  },
  { rule: 'json-parse', file: 'src/routing/route-table.ts', reason: 'reads what the control thread of the same process wrote' },
  { rule: 'json-parse', file: 'src/base/json-map.ts', reason: 'reads maps that others wrote, none longer than LENGTH_MAX' },
  {
    rule: 'consumer',
    file: 'src/pipeline/consumer-directory.ts',
    reason: 'is where the addresses of consumers are looked at',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/jwt/token-json.ts',
    reason: 'reads a part of a token of at most TOKEN_LENGTH_MAX characters',
  },
  {
    rule: 'json-parse',
    file: 'src/policies/jwt/key-set.ts',
    reason: 'reads answers of an issuer, which are cut at ANSWER_BYTES_MAX, and a file of the operator',
  },
  {
    rule: 'json-parse',
    file: 'src/runtime/read-named-files.ts',
    reason: 'looks whether a file of the operator is a key set',
  },
  {
    rule: 'json-parse',
    file: 'src/sources/consul/consul-answer.ts',
    reason: 'reads answers of Consul, which are cut at limits.discoveryBytesMax',
  },
  {
    rule: 'environment',
    file: 'src/gatehouse-test.ts',
    reason: 'is the way in for tests, as gatehouse.ts is for programs',
  },
  {
    rule: 'timers',
    file: 'src/rehearsal/rehearsal-clock.ts',
    reason: 'is the clock of a rehearsal, which moves where a request waits; there is no traffic',
  },
  {
    rule: 'json-parse',
    file: 'src/rehearsal/decision.ts',
    reason: 'reads an answer that a test has asked for, of a stub or of the configuration',
  },
  {
    rule: 'json-parse',
    file: 'src/testing/coverage-report.ts',
    reason: 'reads what the tests that it has run have written',
  },
  {
    rule: 'json-parse',
    file: 'src/planning/traffic-replay.ts',
    reason: 'reads lines of a log, of at most LINE_LENGTH_MAX characters, on the command line',
  },
  {
    rule: 'json-parse',
    file: 'src/telemetry/delivery/otlp-lines.ts',
    reason: 'reads lines that data threads of the same process wrote, of at most limits.accessLogPostBytesMax at once',
  },
  {
    rule: 'buffer-concat',
    file: 'src/telemetry/delivery/posted-lines.ts',
    reason: 'joins the lines of a message once, below limits.accessLogPostBytesMax',
  },
];
