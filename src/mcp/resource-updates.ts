import { type Api, ApiError, type EventFrame, eachEvent } from '#src/client/rest/rest.ts'
import { sleep, startTimer } from '#src/client/shared/timers.ts'
import { FOLLOW_AGAIN_MS, MAX_PROJECTS, MAX_SUBSCRIPTIONS, UPDATE_MS } from './bounds.ts'
import { ToolError } from './failure.ts'
import { readEnd } from './reading.ts'
import { findAgentAnywhere, findProject } from './references.ts'
import { agentIdOf, FLEET_URI } from './resources.ts'
import type { Caller } from './tool.ts'

/** A project's log is read while a followed resource needs it. */
type Follower = { uris: Set<string>; ending: AbortController }
type Reading = { api: Api; signal: AbortSignal; follower: Follower; after: { seq: number } }

/** Tells the assistant that resources which it follows have changed, as the logs of their projects say. */
export class ResourceUpdates {
  readonly #caller: Caller
  readonly #announce: (uri: string) => void
  readonly #followed = new Set<string>()
  readonly #followers = new Map<string, Follower>()
  readonly #changed = new Set<string>()

  constructor(caller: Caller, announce: (uri: string) => void) {
    this.#caller = caller
    this.#announce = announce
  }

  async subscribe(uri: string): Promise<void> {
    if (this.#followed.has(uri)) return
    if (this.#followed.size >= MAX_SUBSCRIPTIONS) {
      throw new ToolError(`At most ${MAX_SUBSCRIPTIONS} resources can be followed`)
    }
    this.#followed.add(uri)
    try {
      for (const project_id of await this.#projectsOf(uri)) await this.#follow(project_id, uri)
    } catch (error) {
      this.#followed.delete(uri)
      throw error
    }
  }

  unsubscribe(uri: string): void {
    this.#followed.delete(uri)
    for (const [project_id, { uris, ending }] of this.#followers) {
      if (!uris.delete(uri) || uris.size > 0) continue
      ending.abort()
      this.#followers.delete(project_id)
    }
  }

  async #projectsOf(uri: string): Promise<string[]> {
    const { api, project } = this.#caller
    const id = agentIdOf(uri)
    if (id !== undefined) {
      const agent = await findAgentAnywhere(api, id, project)
      if (agent) return [agent.project_id]
    } else if (uri === FLEET_URI) {
      if (project !== undefined) return [await findProject(api, project)]
      return (await api.projects.list({ page: 1, limit: MAX_PROJECTS })).data.map((one) => one.id)
    }
    throw new ToolError(`There is no resource ${uri}`)
  }

  /** Resolves once no later change can be missed. */
  async #follow(project_id: string, uri: string): Promise<void> {
    const seq = await readEnd(this.#caller.api, project_id)
    // The assistant may have unsubscribed while the server answered.
    if (!this.#followed.has(uri)) return
    const known = this.#followers.get(project_id)
    if (known) return void known.uris.add(uri)
    const ending = new AbortController()
    const follower: Follower = { uris: new Set([uri]), ending }
    this.#followers.set(project_id, follower)
    const signal = AbortSignal.any([ending.signal, this.#caller.signal])
    const api = this.#caller.api.with({ signal })
    this.#read(project_id, { api, signal, follower, after: { seq } }).catch((error: unknown) => {
      if (!signal.aborted) this.#caller.onError(error)
    })
  }

  /** Continues where it was after a failure that may pass, so that no change is missed. */
  async #read(project_id: string, { api, signal, follower, after }: Reading): Promise<void> {
    let last: { seq: number; epoch?: number } = after
    for (;;) {
      try {
        for await (const event of eachEvent(api, project_id, last)) {
          last = event
          this.#note(event, follower.uris)
        }
      } catch (error) {
        if (!(error instanceof ApiError && error.retryable)) throw error
        await sleep(FOLLOW_AGAIN_MS, signal)
      }
    }
  }

  #note({ agent }: EventFrame, uris: ReadonlySet<string>): void {
    for (const uri of uris) {
      if (uri !== FLEET_URI && agentIdOf(uri) !== agent?.id) continue
      if (this.#changed.size === 0) startTimer(UPDATE_MS, () => this.#announceChanges())
      this.#changed.add(uri)
    }
  }

  #announceChanges(): void {
    const changed = [...this.#changed]
    this.#changed.clear()
    if (this.#caller.signal.aborted) return
    for (const uri of changed) if (this.#followed.has(uri)) this.#announce(uri)
  }
}
