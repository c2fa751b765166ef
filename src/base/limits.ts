/**
 * Every upper limit that is not a setting. What a user may change lives in the configuration schema and takes its
 * default from here.
 */
export const limits = {
  /** Bytes of one request or response head, start line and terminator included. */
  headBytesMax: 64 * 1024,
  /** Field lines of one head or trailer section. */
  fieldCountMax: 128,
  /** Bytes of the request target alone, so that the longest path is far below the longest head. */
  targetBytesMax: 16 * 1024,
  /** Empty lines tolerated before a request line (RFC 9112 §2.2 asks for at least one). */
  leadingEmptyLinesMax: 4,
  /** Bytes of one chunk-size line, extensions included. */
  chunkLineBytesMax: 4 * 1024,
  /** Bytes of all chunk extensions of one message: they carry nothing that we use. */
  chunkExtensionBytesMax: 16 * 1024,
  /** Bytes of a trailer section. */
  trailerBytesMax: 16 * 1024,
  /** Path segments of a request target; the route table walks at most this deep. */
  pathSegmentsMax: 256,
  /** Bytes of pipelined requests held while an earlier one is answered; then reading pauses. */
  pipelinedBytesMax: 64 * 1024,
  /** Informational (1xx) answers accepted for one request. */
  informationalCountMax: 16,
  /** Bytes below which a body chunk is joined with the head into one write. */
  joinedWriteBytesMax: 16 * 1024,
  /** Bytes of one read buffer of a connection that moves a large body. */
  bodyBufferBytes: 256 * 1024,
  /** Bytes of a body still to come from which a connection reads into a buffer of its own. */
  bodyBufferFromBytes: 64 * 1024,
  /** Large body buffers that a thread lends at once; further bodies get small ones. */
  bodyBuffersLentMax: 256,
  /** Connections of a thread that keep their large buffer between bodies. */
  bodyBuffersOwnedMax: 32,
  /** Free body buffers kept by a thread. */
  bodyBuffersKeptMax: 64,
  /** Bytes that the small read buffer shared by all connections of a thread holds. */
  sharedReadBytes: 256 * 1024,
  /** Bytes of request body kept so that a request can be sent again on a fresh connection. */
  replayBodyBytesMax: 64 * 1024,
  /** Bytes of an answer that is compressed at once, in the thread that serves it: what takes a quarter of a millisecond. */
  compressedAtOnceBytesMax: 16 * 1024,
  /** Longer answers of a thread that are compressed at the same time; further ones pass as they are. Each takes up to 2 MiB. */
  compressingAnswersMax: 128,
  /** Request bodies of a thread that are decoded at the same time; further ones are refused. Each takes up to 16 MiB, if its client likes. */
  decodingRequestsMax: 128,
  /** Bytes of an unread request body that are read and thrown away to keep a connection after an early answer. */
  discardedBodyBytesMax: 64 * 1024,
  /** Calls at a time over one HTTP/2 connection to an upstream, however many the upstream allows. */
  upstreamStreamsMax: 1_000,
  /** Calls that are given to a connection to an upstream that has not yet said how many it allows. */
  upstreamStreamsAssumed: 100,
  /** Bytes that one HTTP/2 answer may be ahead of its client: what a slow one makes us hold. */
  upstreamStreamWindowBytesMax: 1024 * 1024,
  upstreamStreamWindowBytesMin: 64 * 1024,
  /** The same for all answers of a connection together: the more there are, the less each may be ahead. */
  upstreamHeldBytesMax: 64 * 1024 * 1024,
  /** Addresses walked right to left in `X-Forwarded-For` or `Forwarded`. */
  forwardedHopsMax: 32,
  /** Requests of a thread that wait for the answer to an earlier one with the same key; more are told that it runs. */
  idempotentWaitingMax: 1_000,
  /** Requests of a thread that are carried to their end although their clients have gone. */
  carriedRequestsMax: 1_000,
  /** Ranges of one request; with more of them, the whole is sent. */
  byteRangesMax: 32,
  /** Bytes of a file that are read at once. A file that is not longer is read whole, and closed, before it is sent. */
  fileReadBytes: 256 * 1024,
  /** Bytes that a thread remembers of files that it has sent, and of names that were no files. */
  fileMemoryBytesMax: 32 * 1024 * 1024,
  /** Longer files that a thread has open at once, each for one answer; further requests are refused. */
  filesOpenMax: 1_000,
  /** Bytes of access log lines of a thread waiting to be written or sent; beyond this, lines are dropped and counted. */
  accessLogPendingBytesMax: 8 * 1024 * 1024,
  /** Bytes of a `tracestate` that is passed on; of more, members at its end are dropped. */
  traceStateBytesMax: 4 * 1024,
  /** Requests to upstreams of one traced exchange that get spans of their own. */
  spansOfExchangeMax: 256,
  /** Spans of a thread that wait to be told to the control thread, and their bytes; more are dropped and counted. */
  threadSpansPendingMax: 2_048,
  threadSpansPendingBytesMax: 8 * 1024 * 1024,
  /** Spans that wait to be sent to the collector, and their bytes; more are dropped and counted. */
  spansPendingMax: 16_384,
  spansPendingBytesMax: 32 * 1024 * 1024,
  /** Spans of one message to the collector. The one that comes to as many bytes is the last of its message. */
  spansOfExportMax: 512,
  spansOfExportBytesMax: 1024 * 1024,
  /** The same of all threads together, for one place that lines are sent to. */
  accessLogWaitingBytesMax: 32 * 1024 * 1024,
  /** Bytes of lines that are sent to a collector at once. */
  accessLogPostBytesMax: 1024 * 1024,
  /** Bytes of recorded exchanges that wait to be written, or to be taken by who asked for them; beyond this, they are dropped and counted. */
  recordingPendingBytesMax: 16 * 1024 * 1024,
  /** Bytes of one line of a recording that is read. */
  recordingLineBytesMax: 16 * 1024 * 1024,
  /** Bytes of bodies of exchanges that are being recorded, per thread; of further bodies less is kept. */
  recordedBodyBytesMax: 32 * 1024 * 1024,
  /** Exchanges that are being recorded, per thread; further ones are not, and are counted. */
  recordedAtOnceMax: 1_000,
  /** Recordings that run at the same time. */
  recordingsMax: 16,
  /** Addresses of one host name that are tried for a connection. */
  connectAddressesMax: 8,
  /** Services and the endpoints of all of them together, 64 bytes of shared memory each. */
  endpointsMax: 65_536,
  /** Endpoints that one source may find for a service; the rest are left out. */
  discoveredEndpointsMax: 1_000,
  /** Bytes of a file with endpoints, and of one answer of Consul. */
  discoveryBytesMax: 8 * 1024 * 1024,
  /** Endpoints of a service that an operator has added, removed or changed. */
  operatorChangesMax: 1_000,
  /** Bytes of a file with addresses, and entries in it. */
  addressListBytesMax: 64 * 1024 * 1024,
  addressListEntriesMax: 1_000_000,
  /** Bytes of all files of a document with a contract (OpenAPI, JSON Schema), and how many files. */
  contractBytesMax: 32 * 1024 * 1024,
  contractFilesMax: 500,
  /** Bytes of a database of countries, and blocks of addresses in it once neighbours are joined. */
  countryDatabaseBytesMax: 256 * 1024 * 1024,
  countryBlocksMax: 2_000_000,
  /** Mistakes of one file with addresses that are told; they tend to have one cause. */
  addressListMistakesTold: 10,
  /** Services, and endpoints of all of them together, that metrics tell of one by one: five and three series for each. */
  metricServicesMax: 2_000,
  metricEndpointsMax: 4_000,
  /** Routes with the services that they lead to, each with a histogram, that metrics tell of one by one. */
  metricRoutesMax: 2_000,
  /** Series of requests: of those, by method and status. */
  metricRequestSeriesMax: 20_000,
  /** Codes of errors, and listeners. */
  metricErrorCodesMax: 1_000,
  metricListenersMax: 500,
  /** Statuses of a route that metrics tell of one by one; further ones are counted by their first digit. */
  metricStatusesMax: 32,
  /** Scrapes of metrics that are being answered; further ones are told to come later. A page may take some megabytes. */
  scrapesAtOnceMax: 50,
  /** How long metrics tell of routes, listeners and services that are there no more: longer than anybody waits between two scrapes. */
  removedSeriesMs: 300_000,
  /** How long metrics name a traced request as an example of how long others take. */
  exemplarMs: 600_000,
  /** How long a scrape of metrics may take nothing of what is sent. */
  scrapeTimeoutMs: 10_000,
  /** Symbolic links that are followed on the way to a file that is watched (Linux follows 40). */
  pathLinksMax: 40,
  /** Bytes of the body of a request to the admin API. */
  adminBodyBytesMax: 64 * 1024,
  /** The same where the body is a configuration. */
  adminConfigurationBytesMax: 16 * 1024 * 1024,
  /** Entries of the audit log that are kept in memory: of what was done, and of what was refused. */
  auditedChangesMax: 1_000,
  auditedRefusalsMax: 500,
  /** Refusals that are written to the file of the audit log in a minute: whoever guesses tokens does not fill the disk. */
  auditRefusalsPerMinuteMax: 60,
  /** Characters of what was before a change and after it in an entry of the audit log. */
  auditDetailLengthMax: 1_024,
  /** Bytes of configurations that have run and are kept; the oldest go first. */
  historyBytesMax: 64 * 1024 * 1024,
  /** How long two configurations are compared at most, line by line. */
  comparedMsMax: 500,
  /** Endpoints of a service that are tried one after the other for a connection whose bytes are passed on. */
  tcpEndpointsTriedMax: 5,
  /** Health checks that run at once; further ones wait, so that many endpoints do not open as many sockets. */
  healthChecksAtOnceMax: 256,
  /** Bytes of the answer to a health check that are read. */
  healthAnswerBytesMax: 64 * 1024,
  /** Copies of requests under way to mirrors, per thread; more are dropped and counted. */
  mirroredRequestsMax: 100,
  /** Comparisons of answers with those to copies under way, per thread; further copies are not compared, and are counted. */
  comparisonsAtOnceMax: 200,
  /** Bytes of the answer to a copy that are read and thrown away; a longer answer costs the connection. */
  mirroredAnswerBytesMax: 1024 * 1024,
  /** Client addresses remembered by the per-address connection cap of one listener and thread. */
  clientAddressesMax: 100_000,
  /** How often a thread tries to count a request by a rate limit, each time because another thread was faster. */
  allowanceAttemptsMax: 10_000,
  /** Commands to a store that one thread has not had answered; further ones are refused at once. */
  storeCommandsMax: 10_000,
  /** Bytes that wait to be written to a store, beyond which it is asked nothing more. */
  storeUnwrittenBytesMax: 16 * 1024 * 1024,
  /** Bytes of one value that is kept in a store. */
  storeValueBytesMax: 1024 * 1024,
  /** Questions of one place of the cache that are under way, beyond which none is asked in the background. */
  cacheFetchesInBackgroundMax: 100,
  /** Answers that are kept for one address, which differ by fields of the request; with one more, the oldest is let go. */
  answerVariantsMax: 64,
  /** Keys of which a store is still to be told what a thread has let pass; of further ones it is not told. */
  unsettledKeysMax: 100_000,
  /** Keys that a store is told of at once. */
  settledKeysAtOnceMax: 500,
  /** The same by a quota or a limit of concurrency. */
  countAttemptsMax: 10_000,
  /** Keys whose exchanges are limited, such as client addresses, that have some at the same moment. */
  concurrencyKeysMax: 50_000,
  /** Bytes of one PROXY protocol header, TLVs included; those that carry a client's certificate are the longest. */
  proxyHeaderBytesMax: 16 * 1024,
  /** Bytes of one ClientHello; keys of post-quantum algorithms and encrypted names make the longest. */
  clientHelloBytesMax: 16 * 1024,
  /** Bytes of the records that a ClientHello may be spread over. */
  clientHelloRecordsBytesMax: 32 * 1024,
  /** Bytes of an answer that are written at once, so that a client that reads them slowly shows that it does. */
  http2WriteBytesMax: 64 * 1024,
  /** Bytes of frames that wait behind a write, beyond which nothing is read of the client; data alone never becomes so much. */
  http2UnwrittenBytesMax: 96 * 1024,
  /** Buffers for frames that a thread keeps for the next connection that writes. */
  frameBuffersKeptMax: 64,
  /** PING and SETTINGS frames of a client in a minute, while no request or answer moves; beyond this its connection is ended. */
  http2ControlFramesPerMinuteMax: 1_000,
  /** Frames of a client in a minute that mean nothing, while no request or answer moves: priorities, windows, empty data. */
  http2QuietFramesPerMinuteMax: 10_000,
  /** CONTINUATION frames of one head. */
  http2ContinuationsMax: 128,
  /** How much longer than its fields may be, unpacked, the bytes of a head may be before the connection is ended. */
  http2BlockBytesFactor: 2,
  /** Streams of a connection that we have reset, and of which what still comes is known to be on its way since before. */
  http2StreamsLeftMax: 1_000,
  /** Objects and lists in one another of a JSON document that is read. */
  jsonDepthMax: 128,
  /** Values of a JSON document that is looked into, names included: each needs twelve bytes. */
  jsonValuesMax: 1_000_000,
  /** Items and members that one run of a mapping looks at. */
  mappingItemsMax: 1_000_000,
  /** Members and items that it passes by on the way to others, and characters that it only looks at: about a tenth of a second. */
  mappingStepsMax: 10_000_000,
  /** Entries of one SETTINGS frame. */
  http2SettingsMax: 32,
  /** Attempts, steps of policies, and notes, of one exchange that its journal keeps. */
  journalEntriesMax: 256,
  /** Endpoints of which it is said why they were not chosen for an attempt. */
  leftOutShownMax: 10,
  /** Calls of one aggregate. */
  aggregateCallsMax: 32,
  /** Items for each of which one call of an aggregate is made. */
  aggregateItemsMax: 100,
  /** How many of these run at the same time. */
  aggregateItemsAtOnceMax: 20,
  /** Calls of all aggregates that metrics tell of one by one, also those of earlier configurations. */
  aggregateSeriesMax: 2_048,
  /** Bytes of a body that a call of an aggregate sends. */
  aggregateBodyBytesMax: 16 * 1024 * 1024,
} as const;
