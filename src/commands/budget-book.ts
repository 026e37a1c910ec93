import { system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import {
  type BudgetPeriod,
  type BudgetRecord,
  type BudgetStep,
  type FoundBudget,
  scopeOf,
  spend,
  toNow,
  usedBetween,
  wantsStop,
} from '#src/domain/spending.ts'
import type { AgentKey } from '#src/store/agents.ts'
import { keepBudgetPeriods, readBudgets, saveBudgets } from '#src/store/budgets.ts'
import { announceBudget, type Charge, endBudgetHold, stopReporter } from './budget-stops.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** A budget in its newest window, and whom it includes. */
type Kept = { budget: BudgetRecord; includes: (agent: AgentState) => boolean }

/**
 * The budgets of the projects in one transaction. What its changes use is added to them under the projects' locks, which all
 * writers of a project take, so the sums are exact on any number of replicas.
 */
export class BudgetBook {
  readonly #work: UnitOfWork
  readonly #byProject = new Map<string, Kept[]>()
  readonly #changed = new Set<Kept>()
  readonly #ended: (BudgetPeriod & { budget_id: string })[] = []

  constructor(work: UnitOfWork) {
    this.#work = work
  }

  /** Reads what changes of these agents may be added to, once their projects are locked; nothing, where there is no budget. */
  async read(agents: readonly AgentKey[]): Promise<void> {
    const work = this.#work
    const ids = [...new Set(agents.map(({ project_id }) => project_id))]
    const projects = ids.filter((id) => (work.project(id)?.budget_count ?? 0) > 0)
    if (projects.length === 0) return
    const times = projects.map((id) => ({ id, at: work.timeOf(id) }))
    const found = await readBudgets(
      work.sql,
      times,
      agents.map(({ agent_id }) => agent_id),
    )
    for (const { members, ...one } of found) {
      const { project_id } = one.budget
      const kept = { budget: one.budget, includes: scopeOf(one.budget, members) }
      this.#byProject.set(project_id, [...(this.#byProject.get(project_id) ?? []), kept])
      if (one.next) await this.#enter(kept, one)
    }
  }

  async #enter(kept: Kept, found: FoundBudget): Promise<void> {
    const { budget, ended } = toNow(found)
    if (ended) this.#ended.push({ ...ended, budget_id: budget.id })
    kept.budget = await endBudgetHold(this.#work, budget, system)
    this.#changed.add(kept)
  }

  /** Adds what a change used, and stops what that stops. Returns the agent after it. */
  charge(before: AgentState, after: AgentState, charge: Charge): AgentState {
    const kept = this.#byProject.get(after.project_id) ?? []
    const used = usedBetween(before, after)
    let agent = after
    for (const one of kept) {
      const units = used[one.budget.metric]
      if (units === 0n || !one.includes(after)) continue
      const step = spend(one.budget, units, this.#work.timeOf(after.project_id))
      agent = this.#take(one, step, { ...charge, agent })
    }
    return agent
  }

  #take(kept: Kept, step: BudgetStep, { agent, ...charge }: Charge & { agent: AgentState }): AgentState {
    const starts = wantsStop(step.budget) && !wantsStop(kept.budget)
    kept.budget = announceBudget(this.#work, step, charge.actor)
    this.#changed.add(kept)
    return starts ? stopReporter(this.#work, kept.budget, { agent, ...charge }) : agent
  }

  /** Writes what has changed in the same round trip as the commit. */
  write(): void {
    const { sql } = this.#work
    saveBudgets(
      sql,
      [...this.#changed].map(({ budget }) => budget),
    )
    keepBudgetPeriods(sql, this.#ended)
  }
}
