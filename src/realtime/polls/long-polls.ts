import pLimit from 'p-limit'
import type { Authentication } from '#src/auth/authenticate.ts'
import type { ProjectOperation } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import type { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { type Quota, quotasOf, type SocketCounts, tooMany } from '#src/realtime/access/socket-counts.ts'
import { callAt } from '#src/realtime/access/timer.ts'
import { MAX_ASKING_POLLS, MAX_WAITING_POLLS } from '#src/realtime/bounds.ts'
import type { Hub } from '#src/realtime/feed/hub.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import { ProjectBells } from './project-bell.ts'
import { type PollEnd, WaitingPoll } from './waiting-poll.ts'

type Services = { hub: Hub; guards: AccessRecheck; counts: SocketCounts; clock: DatabaseClock }

type Poll = {
  project_id: string
  agent_id: string
  wait_seconds: number
  authentication: Authentication
  /** The right that the caller must keep while it waits. */
  operation: ProjectOperation
  /** The limit key of the caller. */
  address: string
  /** Aborts when the peer has left. */
  gone: AbortSignal
}

/** The answer, or, without one, when it is worth asking again although nothing new came. */
type Asked<Answer> = { answer: Answer } | { due_ms: number | undefined }

/**
 * All long polls of a process. A poll that waits takes memory and its connection, but neither the database nor a timer of the
 * project: the project's feed wakes it. It counts as a connection does, and ends with the credentials or the right.
 */
export class LongPolls {
  readonly #services: Services
  readonly #bells: ProjectBells
  readonly #waiting = new Set<WaitingPoll>()
  readonly #limitAsking = pLimit(MAX_ASKING_POLLS)
  #isClosed = false

  constructor(services: Services) {
    this.#services = services
    this.#bells = new ProjectBells(services.hub)
  }

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Asks until there is an answer; undefined when the time is over. Refuses with `rate_limited` where a quota is used up, and with
   * `bad_token`, `expired_token` or `forbidden` once the caller may no longer wait.
   */
  async wait<Answer>(poll: Poll, ask: () => Promise<Asked<Answer>>): Promise<Answer | undefined> {
    const first = await ask()
    if ('answer' in first) return first.answer
    if (poll.wait_seconds === 0 || poll.gone.aborted || this.#isClosed) return undefined
    const { counts } = this.#services
    const quotas: Quota[] = [...quotasOf(poll.authentication.principal), ['address', poll.address]]
    if (this.#waiting.size >= MAX_WAITING_POLLS || !counts.takeAll(quotas)) throw tooMany()
    const waiting = new WaitingPoll(poll.authentication, poll)
    try {
      return await this.#wait(poll, waiting, ask)
    } finally {
      counts.releaseAll(quotas)
    }
  }

  async #wait<Answer>(
    { project_id, agent_id, ...poll }: Poll,
    waiting: WaitingPoll,
    ask: () => Promise<Asked<Answer>>,
  ): Promise<Answer | undefined> {
    const stopGuarding = this.#guard(waiting, poll)
    try {
      const stopListening = await this.#bells.listen(project_id, agent_id, waiting.ring)
      try {
        return await this.#askAtNews(waiting, ask)
      } finally {
        stopListening()
      }
    } finally {
      stopGuarding()
    }
  }

  /** The first time, too: what was committed before the bell was there has not rung. */
  async #askAtNews<Answer>(
    waiting: WaitingPoll,
    ask: () => Promise<Asked<Answer>>,
  ): Promise<Answer | undefined> {
    for (;;) {
      const asked = await this.#limitAsking(async () => (waiting.hasEnded ? never : ask()))
      if ('answer' in asked) return asked.answer
      const end = await waiting.next(asked.due_ms)
      if (end) return throwUnlessOver(end)
    }
  }

  /** Ends the poll when its time is over, its peer has left, or it may no longer wait. */
  #guard(
    waiting: WaitingPoll,
    { wait_seconds, authentication, gone }: Pick<Poll, 'wait_seconds' | 'authentication' | 'gone'>,
  ): () => void {
    const { guards, clock } = this.#services
    const { expires_at } = authentication
    const timer = setTimeout(() => waiting.end('over'), wait_seconds * 1000)
    const cancelExpiry =
      expires_at === null ? () => {} : callAt(expires_at, clock.now, () => waiting.end('expired'))
    const leave = () => waiting.end('gone')
    gone.addEventListener('abort', leave)
    guards.add(waiting)
    this.#waiting.add(waiting)
    return () => {
      clearTimeout(timer)
      cancelExpiry()
      gone.removeEventListener('abort', leave)
      guards.delete(waiting)
      this.#waiting.delete(waiting)
    }
  }

  /** Ends all polls, and answers later ones at once. Their callers come back on another replica. */
  close(): void {
    this.#isClosed = true
    for (const waiting of this.#waiting) waiting.end('over')
  }
}

/** Of a poll that ended while it waited for its turn to ask. */
const never = { due_ms: undefined }

function throwUnlessOver(end: PollEnd): undefined {
  if (end === 'credential_lost') throw refuse('bad_token', 'The credentials are no longer valid')
  if (end === 'expired') throw refuse('expired_token', 'The credentials have expired')
  if (end === 'access_lost') throw refuse('forbidden', 'You do not have access to this project')
  return undefined
}
