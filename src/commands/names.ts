import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { decideRelease } from '#src/domain/registration.ts'
import { type AgentName, findHolders } from '#src/store/names.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** Another transaction has given a name to an agent that this one has not locked. The request has to be decided again. */
export class NameMoved extends Error {}

/**
 * Who has the names that the requests of one transaction ask for. A project has at most one agent of a name: a live one, or
 * else one that has ended and loses it to the next live one.
 */
export class Names {
  readonly #work: UnitOfWork
  readonly #holders = new Map<string, string>()
  /** Names that agents lost in what is not written yet. */
  readonly #lost = new Set<string>()

  constructor(work: UnitOfWork) {
    this.#work = work
  }

  /** Reads which agents have the names. The projects are locked, so no other transaction can change that. */
  async read(names: readonly AgentName[]): Promise<void> {
    if (names.length === 0) return
    for (const holder of await findHolders(this.#work.sql, names)) {
      this.#holders.set(keyOf(holder), holder.id)
    }
  }

  /** The agent that has the name, if it is locked. */
  known(name: AgentName): AgentState | undefined {
    const agent_id = this.#holders.get(keyOf(name))
    return agent_id === undefined ? undefined : this.#work.find({ agent_id, project_id: name.project_id })
  }

  /** The agent that has the name. Throws NameMoved where it is not locked. */
  holder(name: AgentName): AgentState | undefined {
    const agent_id = this.#holders.get(keyOf(name))
    if (agent_id === undefined) return undefined
    const holder = this.#work.find({ agent_id, project_id: name.project_id })
    if (!holder) throw new NameMoved()
    return holder
  }

  /**
   * Has the name pass as a decided change says, right before that is applied. An ended agent loses it, with an event of its
   * own. Refuses with `conflict` where a live agent has it.
   */
  pass(before: AgentState | undefined, { external_id, project_id, id }: AgentState, by: By): void {
    if (external_id === (before?.external_id ?? null)) return
    if (external_id !== null) this.#free({ external_id, project_id }, by)
    if (before) this.#lose(before)
    if (external_id !== null) this.#holders.set(keyOf({ external_id, project_id }), id)
  }

  #free(name: AgentName, { actor, traceparent }: By): void {
    const holder = this.holder(name)
    if (holder) {
      const released = decideRelease(holder)
      this.#lose(holder)
      this.#work.apply(released, actor, traceparent)
    }
    if (!this.#lost.has(keyOf(name))) return
    this.#work.writeSoFar()
    this.#lost.clear()
  }

  #lose({ external_id, project_id }: AgentState): void {
    if (external_id === null) return
    const key = keyOf({ external_id, project_id })
    this.#holders.delete(key)
    this.#lost.add(key)
  }
}

type By = { actor: Actor; traceparent?: string | undefined }

function keyOf({ project_id, external_id }: AgentName): string {
  return `${project_id} ${external_id}`
}
