import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { EventDetail } from '#src/domain/events.ts'
import { endByTermination, type RequestRecord, toRequestSummary } from '#src/domain/request.ts'
import type { Transaction } from '#src/store/database.ts'
import { endRequests, type RequestToWrite, readOpenRequests } from '#src/store/requests.ts'
import type { Traceparent } from '#src/tracing/trace.ts'
import { ENDINGS_A_PAGE } from './bounds.ts'
import type { EventPlace } from './numbering.ts'

export type Cause = { actor: Actor; traceparent: Traceparent | undefined }
/** Writes an event under a number that was taken for it. */
type Announce = (agent: AgentState, event: EventDetail, place: EventPlace, cause: Cause) => void

/** An agent that is terminated: as it was before, and a number for the end of each of its open requests. */
type Ending = { agent: AgentState; cause: Cause; places: EventPlace[] }

/**
 * Ends the open requests of terminated agents. A decision takes only their numbers, since an agent's row says how many it has.
 * The requests are read once the rest has been written, a page at a time, so that no fleet and no agent fills the memory.
 */
export class RequestEndings {
  readonly #byAgent = new Map<string, Ending>()

  add(ending: Ending): void {
    this.#byAgent.set(ending.agent.id, ending)
  }

  /** Sends the events and the rows. */
  async write(sql: Transaction, { announce, send }: { announce: Announce; send: () => void }): Promise<void> {
    if (this.#byAgent.size === 0) return
    const ids = [...this.#byAgent.keys()]
    let page: RequestRecord[] = []
    do {
      page = await readOpenRequests(sql, ids, { after: page.at(-1), limit: ENDINGS_A_PAGE })
      endRequests(
        sql,
        page.flatMap((request) => this.#end(request, announce)),
      )
      send()
    } while (page.length === ENDINGS_A_PAGE)
    this.#useUp(announce)
    send()
  }

  #end(request: RequestRecord, announce: Announce): RequestToWrite[] {
    const ending = this.#byAgent.get(request.agent_id)
    const place = ending?.places.shift()
    if (!ending || !place) return []
    const ended = endByTermination(request, place.at)
    const agent = { ...ending.agent, open_requests: ending.places.length }
    announce(agent, { name: 'agent.request_ended', request: toRequestSummary(ended) }, place, ending.cause)
    return [{ request: ended, ended_seq: place.seq }]
  }

  /** No number may be missing from a log, even if a repair by hand has left an agent's count too high. */
  #useUp(announce: Announce): void {
    for (const { agent, cause, places } of this.#byAgent.values()) {
      for (const place of places)
        announce({ ...agent, open_requests: 0 }, { name: 'agent.updated' }, place, cause)
    }
  }
}
