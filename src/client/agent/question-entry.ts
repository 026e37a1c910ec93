import { type Answer, type Asked, type Question, toAsked } from './question.ts'

export type Waiter = PromiseWithResolvers<Answer>

/** A question that waits here for its answer. */
export type Entry = {
  asked: Asked
  setsStatus: boolean
  /** Its id was made here, so that no later process can ask again under it. */
  isAnonymous: boolean
  /** Its time is in the future when it is asked here; it may be over when the question reaches the server. */
  canExpire: boolean
  /** Empty once the question is being withdrawn. */
  waiters: Set<Waiter>
  /** `sent`: on this socket, without a reply yet. `lost`: on an earlier one; it may have arrived. */
  state: 'new' | 'sent' | 'lost' | 'open'
}

export function newEntry(question: Question): Entry {
  return {
    asked: toAsked(question),
    setsStatus: question.status ?? true,
    isAnonymous: question.request_id === undefined,
    canExpire: question.expires_at !== undefined && Date.parse(question.expires_at) > Date.now(),
    waiters: new Set(),
    state: 'new',
  }
}

/** Whether the server may not have it. */
export function isUnsent({ state, waiters }: Entry): boolean {
  return waiters.size > 0 && (state === 'new' || state === 'lost')
}

/** Whether its time has passed before the server had it. */
export function isOver({ asked, canExpire }: Entry): boolean {
  return canExpire && Date.parse(asked.expires_at ?? '') <= Date.now()
}

export const expired: Answer = {
  status: 'expired',
  option: null,
  payload: null,
  note: null,
  answered_by: null,
}
