/** What one peer can make the HTTP side hold, and what happens beyond it. docs/security.md shows the same numbers. */

/** Requests a minute for routes that the contract does not number one by one; one more gets a 429. */
export const limits = {
  login: 10,
  refresh: 30,
  write: 30,
  read: 60,
  bulk: 10,
  upgrade: 60,
  /** What runtimes do over HTTP: many agents may share an address. */
  runtime: 6_000,
  mcp: 120,
  verdict: 60_000,
} as const
export const LIMIT_WINDOW_SECONDS = 60

/** Where a verdict's credential may be, beside `Authorization`. */
export const TOKEN_HEADER = 'X-Signalbox-Token'

/** Wrong passwords of one account from one address; beyond them even the right password gets a 429. */
export const MAX_FAILED_SIGN_INS = 50
export const FAILED_SIGN_IN_SECONDS = 60 * 60

/** A larger body gets a 413. */
export const MAX_BODY_BYTES = 256 * 1024
/** Larger headers get a 431. */
export const MAX_HEADER_BYTES = 16 * 1024
/** Headers, and a whole request, that take longer to arrive get a 408. */
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 30_000
export const TIMEOUT_CHECK_MS = 1_000
/** A connection without a request for longer is closed. Longer than the 60 s of common load balancers, which must close first. */
export const KEEP_ALIVE_MS = 65_000
/** An answer of which its peer reads nothing for this long is cut off, since the server holds its memory. */
export const STALL_MS = 60_000
/** Once the server drains, requests that take longer lose their connection. */
export const REQUEST_GRACE_MS = 8_000

/** A page of the event log ends with the event that reaches it: a thousand ordinary events fit. */
export const MAX_LOG_ANSWER_BYTES = 4 * 1024 * 1024
/** Pages of the log that are read at a time; others wait. Each is in memory as rows and as text before it counts as an answer. */
export const MAX_LOG_READS = 4
/** Questions on usage that are asked at a time, since each may add up millions of rows; others wait. */
export const MAX_USAGE_READS = 2
/** Questions on the past that are asked at a time, since each may look at thousands of events; others wait. */
export const MAX_HISTORY_READS = 2
/** Shorter answers do not count as unsent: they fit into the buffers that a socket has anyway. */
export const SMALL_ANSWER_CHARACTERS = 16 * 1024
/** What `Retry-After` says where the server cannot know better. */
export const RETRY_SECONDS = 1
