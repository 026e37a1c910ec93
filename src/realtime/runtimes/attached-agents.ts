import type { AgentState } from '#src/domain/agent.ts'
import { refuse } from '#src/domain/errors.ts'
import { MAX_AGENTS } from '#src/protocol/bounds.ts'
import type { DetachReason, Link } from './link.ts'

type Name = Pick<AgentState, 'project_id' | 'external_id'>

/** The agents that are attached on one connection: within its bound, and found by id or by name. */
export class AttachedAgents {
  readonly #links = new Map<string, { link: Link; name: string | undefined }>()
  /** By name, as it was at the attach. */
  readonly #ids = new Map<string, string>()
  /** Agents whose newest link is on another socket. Messages for them are refused with `replaced`. */
  readonly #replaced = new Set<string>()
  #reserved = 0

  links(): Link[] {
    return [...this.#links.values()].map(({ link }) => link)
  }

  get(agent_id: string): Link | undefined {
    return this.#links.get(agent_id)?.link
  }

  has(agent_id: string): boolean {
    return this.#links.has(agent_id)
  }

  /** The attached agent that had the name when it was attached. */
  idOf(name: Name): string | undefined {
    const key = keyOf(name)
    return key === undefined ? undefined : this.#ids.get(key)
  }

  /** Refuses, for the answer to a message, an agent that is not attached here. */
  require(agent_id: string): Link {
    const link = this.get(agent_id)
    if (link) return link
    if (this.#replaced.has(agent_id)) {
      throw refuse('replaced', 'A newer link has taken the place of this one', 'agent_id')
    }
    throw refuse('not_attached', 'The agent is not attached on this connection', 'agent_id')
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#links.size + this.#reserved < MAX_AGENTS
  }

  /** Keeps a place for one more while it is being attached. */
  async reserve(attach: () => Promise<void>): Promise<void> {
    this.#reserved++
    await attach().finally(() => {
      this.#reserved--
    })
  }

  add(link: Link, agent: Name): void {
    this.delete(link.agent_id)
    this.#replaced.delete(link.agent_id)
    const name = keyOf(agent)
    this.#links.set(link.agent_id, { link, name })
    if (name !== undefined) this.#ids.set(name, link.agent_id)
  }

  delete(agent_id: string, reason?: DetachReason): void {
    const name = this.#links.get(agent_id)?.name
    this.#links.delete(agent_id)
    if (name !== undefined && this.#ids.get(name) === agent_id) this.#ids.delete(name)
    if (reason === 'replaced') this.#noteReplaced(agent_id)
  }

  #noteReplaced(agent_id: string): void {
    const [oldest] = this.#replaced.size >= MAX_AGENTS ? this.#replaced : []
    if (oldest) this.#replaced.delete(oldest)
    this.#replaced.add(agent_id)
  }

  clear(): void {
    this.#links.clear()
    this.#ids.clear()
  }
}

export function tooManyAgents(field: string) {
  return refuse('invalid', `At most ${MAX_AGENTS} agents on one connection`, field)
}

function keyOf({ project_id, external_id }: Name): string | undefined {
  return external_id === null ? undefined : `${project_id} ${external_id}`
}
