import { HEARTBEAT_MS } from '#src/protocol/bounds.ts'

/**
 * The bounds of the real-time layer: why each is there, and what happens when it is reached. protocol/bounds.ts has those
 * that the client keeps to as well; domain/unsent-budget.ts has those that a user's sockets share.
 */

const MIB = 1024 * 1024

// Who may connect. One more is refused with `rate_limited` (4429 on a socket), and may retry after RETRY_SECONDS.

/** Sockets and event streams of one principal: more than any client needs, and a loop that leaks them ends early. */
export const MAX_SOCKETS_OF_PRINCIPAL = 1_000
/**
 * Sockets and event streams of one user, with its keys and the tokens of its agents. Each of those is a principal; a fleet
 * may give each runtime a socket, but a user could make more keys than a server can serve.
 */
export const MAX_SOCKETS_OF_USER = 20_000
/** Sockets and event streams from one address. A proxy that TRUST_PROXY leaves out counts as one address. */
export const MAX_SOCKETS_OF_ADDRESS = 20_000
/** Sockets from one address that have not authenticated yet. */
export const MAX_STRANGERS_OF_ADDRESS = 2_000
/** How long a refused client has to wait: a guess, since the server cannot know when there will be room. */
export const RETRY_SECONDS = 10
/** A socket without credentials is closed with 4408 after this long. */
export const AUTH_TIMEOUT_MS = 5_000
/** This long before a token expires, its socket gets `token_expiring`, so that the client can renew it in time. */
export const EXPIRY_NOTICE_MS = 60_000
/** Access is re-checked this often, so that a lost right takes effect on every replica within 5 s (protocol: Connecting). */
export const ACCESS_CHECK_MS = 2_000

/**
 * Long polls of the process that wait, beside their quotas as connections. Each holds a request and its socket in memory.
 */
export const MAX_WAITING_POLLS = 20_000
/** Long polls that ask the database at once: an order for a fleet may wake all of them. The others wait for their turn. */
export const MAX_ASKING_POLLS = 64

// What a client may send.

/** Messages per second, on average over 10 s; RATE_LIMIT_MULTIPLIER does not change it. One more closes with 4429. */
export const messagesPerSecond = {
  ordinary: 100,
  /** Acknowledgements, attaches, registers, and what runtimes say of attached agents. */
  runtime: 2_000,
} as const
/** Messages of one socket that are not answered yet, and their bytes. At either, the socket is not read from. */
export const MAX_WAITING_MESSAGES = 256
export const MAX_WAITING_BYTES = MIB
/** Fragments of one message, each of which costs memory beside its bytes. One more closes the socket with 1008. */
export const MAX_FRAGMENTS = 16_384
/** Pongs that wait for the peer to read them. One more cuts the peer off, since it only pings. */
export const MAX_UNSENT_PONGS = 60
/**
 * Attaches and registers of one socket under way. Others wait: each answer has a whole agent of up to 265 KB, and up to 256 KiB
 * of its requests.
 */
export const MAX_ATTACHING = 10

// What a peer may leave unread.

/** Unsent bytes above which a socket gets no live events. It continues from the log once it has drained. */
export const PARK_BYTES = MIB
/** Unsent bytes above which the socket's messages wait: answers must not add to what its peer leaves unread. */
export const FLOOD_BYTES = 3 * MIB
/** Unsent bytes above which the socket is closed with 4430. PARK_BYTES and FLOOD_BYTES keep sockets below it. */
export const MAX_UNSENT_BYTES = 4 * MIB
/** A parked socket whose peer reads nothing for this long is closed with 4430. */
export const STALL_MS = 30_000
/** How often a parked socket is checked for progress. */
export const STALL_CHECK_MS = 1_000
/**
 * A peer that is silent for two heartbeats is cut off. The check comes once a heartbeat, so the second to spare has its
 * agents shown as disconnected within 45 s of its last word.
 */
export const PEER_TIMEOUT_MS = 2 * HEARTBEAT_MS - 1_000
/** After the close frame, the server waits this long for the peer's own, then ends the connection. */
export const CLOSE_WAIT_MS = 5_000
/** Clients that are sent away together return at random times within this span. */
export const MAX_RETRY_AFTER_MS = 5_000
/** A drain closes its sockets in this many slices, so that their clients do not all return at once. */
export const DRAIN_SLICES = 20
export const DRAIN_SLICE_MS = 50
/** An event stream that is quiet for this long gets a comment, so that proxies keep it open. */
export const KEEP_ALIVE_MS = 15_000

// What the feed of a project keeps in memory.

/** Events that came before their turn. More are dropped, since the log has them. */
export const MAX_EARLY_EVENTS = 1_024
/** An event that came before its turn waits this long for those before it; then they are read from the log. */
export const EARLY_WAIT_MS = 20
/** The newest events and their characters, for readers that are a little behind. Beyond either, the older half goes. */
export const MAX_RECENT_EVENTS = 512
export const MAX_RECENT_CHARACTERS = MIB
/** Events of one write to the live sockets, and their characters: it ends with the event that reaches either. */
export const MAX_WRITE_EVENTS = 256
export const MAX_WRITE_CHARACTERS = MIB
/** Events of one page of the log. */
export const PAGE_EVENTS = 256
/**
 * Bytes of the log's pages that the process keeps, the least recently used going first. Pages hold text, and the bytes of
 * their frames as well once a reader has asked for them, so memory can be twice this.
 */
export const MAX_LOG_PAGES_BYTES = 16 * MIB
/** Agents of one frame of a snapshot, and its bytes: it ends with the agent that reaches either. */
export const SNAPSHOT_PAGE_AGENTS = 500
export const SNAPSHOT_PAGE_BYTES = MIB
/** Bytes of a snapshot held for one watcher, some 10,000 agents. The rest is read as its socket takes it. */
export const SNAPSHOT_PART_BYTES = 8 * MIB

// When the log makes up for the bus.

/** The log is asked this often for what the bus lost at its end: one statement for all watched projects. */
export const TAIL_CHECK_MS = 2_000
/** An event that a tail check found first counts as lost by the bus after this long. Until then its news may be on the way. */
export const LATE_NEWS_MS = 1_000

// Signals.

/** How often signals are looked for that live links have not acknowledged in time. */
export const RESEND_CHECK_MS = 1_000
/** Signals that one check resends. The others wait for the next check. */
export const RESENDS_A_CHECK = 256
/** Links that one read catches up, and signals of each: their payloads are in memory at once. The others wait. */
export const LINKS_A_READ = 64
export const SIGNALS_A_PAGE = 16
