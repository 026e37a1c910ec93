/** What one call of a tool may ask for and give back, and what happens beyond it. docs/security.md shows the same numbers. */

/** A waiting tool answers by then. Clients give up after 60 s. */
export const MAX_WAIT_SECONDS = 50
/** Agents named in one order; more take a selector. */
export const MAX_NAMED = 50
/** Items of a page. */
export const MAX_PAGE = 50
export const DEFAULT_PAGE = 20
/** Pages of a hundred that a look-up by name, or a wait for a whole project, reads; then it asks for an id or an order. */
export const MAX_LOOKUP_PAGES = 10
/** Projects in an overview, and those in which an agent is looked up by its id alone. */
export const MAX_PROJECTS = 10
/** The newest events among which those of one agent are looked for. */
export const MAX_SCANNED_EVENTS = 1_000
/** Skipped or disobedient agents that an answer lists; it counts the others. */
export const MAX_LISTED = 20

/** Characters of a text that an agent wrote; the rest is cut off. */
export const MAX_TEXT = 300
export const MAX_LONG_TEXT = 4_000
/** Characters of an agent's memory as JSON, and of what a tool call or a form says. */
export const MAX_JSON = 16_000

/** Resources that one assistant may follow on stdio; one more is refused. */
export const MAX_SUBSCRIPTIONS = 100
/** Updates of one resource within this time are announced as one. */
export const UPDATE_MS = 200
/** After a failure that may pass, a follower of the log waits this long. */
export const FOLLOW_AGAIN_MS = 5_000
