/**
 * The outcome of an answer that is not acknowledged yet. Servers of the release before answers would supersede one without
 * an outcome, and cannot count it; they take any outcome as the end of a signal, and leave it alone.
 */
export const OPEN_ANSWER = 'open'

/** An order that was fetched over HTTP, is not acknowledged, and is not known to be overdue. The condition of an index. */
export const AWAITED_FETCH =
  "fetched_at is not null and overdue_at is null and outcome is null and kind <> 'message'"
