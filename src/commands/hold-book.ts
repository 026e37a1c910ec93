import { ActiveHolds, noHolds } from '#src/domain/active-holds.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { Transaction } from '#src/store/database.ts'
import { addHeldParents, countHeld, type HeldParent, listRunning } from '#src/store/held-agents.ts'
import { listActiveHolds } from '#src/store/holds.ts'

/** The holds of the projects that a transaction has locked, and what it does on their behalf. */
export class HoldBook {
  readonly #sql: Transaction
  readonly #active = new Map<string, ActiveHolds>()
  readonly #running = new Set<string>()
  readonly #counts = new Map<string, number>()
  #parents: HeldParent[] = []

  constructor(sql: Transaction) {
    this.#sql = sql
  }

  /** Reads the holds that stand in locked projects. */
  async read(project_ids: readonly string[]): Promise<void> {
    const holds = Map.groupBy(await listActiveHolds(this.#sql, project_ids), ({ project_id }) => project_id)
    for (const id of project_ids) this.#active.set(id, new ActiveHolds(holds.get(id) ?? []))
  }

  /** The holds that stand in a locked project. */
  of(project_id: string): ActiveHolds {
    return this.#active.get(project_id) ?? noHolds
  }

  /** A hold that this transaction has placed. */
  add(hold: Hold & { project_id: string }): void {
    this.#active.set(hold.project_id, this.of(hold.project_id).with(hold))
  }

  /** Reads whether the parents run that held agents were paused with. They cannot change while the project is locked. */
  async readRunningParents(agents: readonly AgentState[]): Promise<void> {
    const ids = agents.flatMap(({ holds, control }) =>
      holds.length > 0 && control?.cause.kind === 'parent' ? (control.cause.id ?? []) : [],
    )
    if (ids.length > 0) this.noteRunning(await listRunning(this.#sql, ids))
  }

  /** Agents of which the caller knows that they run. */
  noteRunning(ids: readonly string[]): void {
    for (const id of ids) this.#running.add(id)
  }

  /** Whether an agent runs, as far as this transaction has read or changed it. */
  isRunning(agent_id: string): boolean {
    return this.#running.has(agent_id)
  }

  /** Takes an order that an agent got: whether it runs after that, and whether a hold has paused it. */
  note(before: AgentState | undefined, { id, status, control }: AgentState): void {
    if (status === 'paused' || status === 'terminated') this.#running.delete(id)
    else this.#running.add(id)
    const { kind, id: hold_id } = control?.cause ?? {}
    if (kind === 'hold' && hold_id && status === 'paused' && before?.status !== 'paused') this.count(hold_id)
  }

  /** Counts an agent that a hold has paused. */
  count(hold_id: string): void {
    this.#counts.set(hold_id, (this.#counts.get(hold_id) ?? 0) + 1)
  }

  /** Has the children of an agent that a hold has paused follow, soon and in other transactions. */
  followedBy({ id, has_children, status, control }: AgentState): void {
    const { kind, id: hold_id } = control?.cause ?? {}
    if (has_children && status === 'paused' && kind === 'hold' && hold_id)
      this.follow({ hold_id, agent_id: id, by_id: id })
  }

  follow(parent: HeldParent): void {
    this.#parents.push(parent)
  }

  /** Writes the counts and the followers, and forgets them. The project is locked, which comes before its holds. */
  send(): void {
    if (this.#counts.size > 0) countHeld(this.#sql, this.#counts)
    if (this.#parents.length > 0) addHeldParents(this.#sql, this.#parents)
    this.#counts.clear()
    this.#parents = []
  }
}
