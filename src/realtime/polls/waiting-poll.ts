import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal, ProjectOperation } from '#src/domain/access.ts'
import type { Guarded } from '#src/realtime/access/access-recheck.ts'

/**
 * Why a long poll ends without what it waits for. `over`: its time is over, or the server drains. `gone`: its peer has
 * left.
 */
export type PollEnd = 'over' | 'gone' | 'credential_lost' | 'access_lost' | 'expired'

/** A long poll that waits, with its credentials. It wakes at news, when it should ask again, and at its end. */
export class WaitingPoll implements Guarded {
  authentication: Authentication
  readonly #use: { project_id: string; operation: ProjectOperation }
  #end: PollEnd | undefined
  #hasNews = false
  #wake: (() => void) | undefined

  constructor(authentication: Authentication, use: { project_id: string; operation: ProjectOperation }) {
    this.authentication = authentication
    this.#use = use
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** Resolves at the next news, after `due_ms`, or with the reason of the end. News before the call count, too. */
  async next(due_ms: number | undefined): Promise<PollEnd | undefined> {
    if (!this.#hasNews && !this.#end) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = due_ms === undefined ? undefined : setTimeout(resolve, due_ms)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
      this.#wake = undefined
    }
    this.#hasNews = false
    return this.#end
  }

  readonly ring = (): void => {
    this.#hasNews = true
    this.#wake?.()
  }

  end(reason: PollEnd): void {
    this.#end ??= reason
    this.#wake?.()
  }

  uses(): { project_id: string; operation: ProjectOperation }[] {
    return [this.#use]
  }

  refresh(principal: Principal): void {
    this.authentication = { ...this.authentication, principal }
  }

  credentialLost(): void {
    this.end('credential_lost')
  }

  accessLost(): void {
    this.end('access_lost')
  }
}
