/** Takes the body of a request. */
export interface RequestBodySink {
  /** The view is lent as by `StreamOwner.onBytes`. To stop the flow, call `Exchange.pauseRequestBody`. */
  onRequestChunk(view: Buffer): void;
  /** What one read brought has been said. Comes after each `resumeRequestBody` too, also when nothing was there. */
  onRequestFlush(): void;
  onRequestEnd(trailers: readonly string[] | undefined): void;
}

/** Stands between a client and the answer source of an exchange, and gives the source what it makes of the body. */
export interface RequestBodyStage extends RequestBodySink {
  /** The source takes more. */
  resumeRequestBody(): void;
  pauseRequestBody(): void;
  /** The exchange is over. */
  abandon(): void;
}
