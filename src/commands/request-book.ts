import { endByTermination, type RequestRecord } from '#src/domain/request.ts'
import type { Time } from '#src/domain/time.ts'
import type { RequestKey, RequestToWrite } from '#src/store/requests.ts'

/** The requests that a transaction has read or changed, in their current state. */
export class RequestBook {
  readonly #records = new Map<string, RequestRecord>()
  readonly #changed = new Map<string, RequestToWrite>()
  /** Agents that are terminated here: from then on none of their requests is open. */
  readonly #terminated = new Map<string, Time>()

  keep(requests: readonly RequestRecord[]): void {
    for (const request of requests) this.#records.set(request.id, request)
  }

  /** `seq`: the number of the event with this change. */
  change(request: RequestRecord, seq: number): void {
    this.#records.set(request.id, request)
    this.#changed.set(request.id, { request, ended_seq: request.ended_at === null ? null : seq })
  }

  terminate(agent_id: string, at: Time): void {
    this.#terminated.set(agent_id, at)
  }

  /** Undefined for a request that does not exist, or was not read. */
  find(key: RequestKey): RequestRecord | undefined {
    const found = 'id' in key ? this.#records.get(key.id) : [...this.#records.values()].find(isNamed(key))
    const at = found && this.#terminated.get(found.agent_id)
    return at === undefined ? found : found && endByTermination(found, at)
  }

  /** What has changed since the last call. */
  takeChanged(): readonly RequestToWrite[] {
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    return changed
  }
}

function isNamed(key: { agent_id: string; request_id: string }) {
  return ({ agent_id, request_id }: RequestRecord) =>
    agent_id === key.agent_id && request_id === key.request_id
}
