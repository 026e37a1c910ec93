import { v7 as uuid } from 'uuid'
import { type Principal, toActor } from '#src/domain/access.ts'
import { type Actor, system } from '#src/domain/actor.ts'
import type { AuditAction } from '#src/domain/audit.ts'
import { notFound, refuse, SignalboxError } from '#src/domain/errors.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import {
  type BudgetPatch,
  type BudgetRecord,
  type BudgetStep,
  changeBudget,
  endBudget,
  MAX_BUDGETS,
  toBudget,
  toLimit,
  toNow,
} from '#src/domain/spending.ts'
import { findAgentType } from '#src/store/agent-types.ts'
import { findAgent } from '#src/store/agents.ts'
import { writeAudit } from '#src/store/audit.ts'
import {
  type BudgetKey,
  countBudgets,
  type DueBudget,
  deleteBudgetRow,
  findBudget,
  insertBudget,
  keepBudgetPeriods,
  listDueBudgets,
  saveBudgets,
} from '#src/store/budgets.ts'
import type { Sql } from '#src/store/database.ts'
import { announceBudget, endBudgetHold } from './budget-stops.ts'
import type { ByProject } from './by-project.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'
import { untilSettled } from './settle-holds.ts'
import type { TimedContext } from './timed-resumes.ts'
import { settleTree } from './tree-budgets.ts'
import { lockWholeTrees } from './tree-order.ts'
import type { UnitOfWork } from './unit-of-work.ts'

export type BudgetContext = TimedContext
type InProject = { project_id: string; principal: Principal }
type Target = InProject & { budget_id: string }

export type BudgetInput = Pick<
  BudgetRecord,
  | 'name'
  | 'metric'
  | 'window'
  | 'timezone'
  | 'selector'
  | 'agent_type_id'
  | 'agent_id'
  | 'warn_at'
  | 'action'
  | 'mode'
> & { limit: string | number }

/**
 * REST `create_budget`: it counts what is used from now on. Refuses with `not_found` (type, agent), `invalid` (limit, time
 * zone), or `conflict`, where the project has MAX_BUDGETS.
 */
export function createBudget(
  context: CommandContext,
  { project_id, principal }: InProject,
  { limit, ...input }: BudgetInput,
): Promise<ProjectBudget> {
  const amount = toLimit(input.metric, limit)
  const id = uuid()
  return commit(context, async (work) => {
    await assertScope(work.sql, project_id, input)
    await work.lockProjects([project_id])
    const head = work.project(project_id)
    if (!head) throw notFound.project(project_id)
    if (head.budget_count >= MAX_BUDGETS)
      throw refuse('conflict', `A project has at most ${MAX_BUDGETS} budgets`)
    const now = work.timeOf(project_id)
    const budget = await insertBudget(work.sql, {
      ...input,
      id,
      project_id,
      limit: amount,
      spent: '0.0000',
      starts_at: now,
      resets_at: null,
      warned: [],
      exceeded_at: null,
      hold_id: null,
      is_settled: true,
      created_by: toActor(principal),
      created_at: now,
    })
    countBudgets(work.sql, project_id)
    await note(work.sql, 'budget_created', { principal, budget })
    return toBudget(budget)
  })
}

async function assertScope(
  sql: Sql,
  project_id: string,
  { agent_type_id, agent_id }: Pick<BudgetInput, 'agent_type_id' | 'agent_id'>,
): Promise<void> {
  if (agent_type_id !== null && !(await findAgentType(sql, agent_type_id)))
    throw notFound.agent_type(agent_type_id)
  if (agent_id !== null && !(await findAgent(sql, project_id, agent_id)))
    throw notFound.agent(agent_id, project_id)
}

/** REST `update_budget`. Resolves once the agents run, or don't, as the budget now says. */
export async function updateBudget(
  context: BudgetContext,
  { principal, ...key }: Target,
  patch: BudgetPatch,
): Promise<ProjectBudget> {
  const budget = await revise(context, key, {
    actor: toActor(principal),
    decide: (before, now) => changeBudget(before, patch, now),
    async write(work, after) {
      await note(work.sql, 'budget_updated', { principal, budget: after, changed: Object.keys(patch) })
    },
  })
  return toBudget(budget)
}

/** REST `delete_budget`. Resolves once the agents that it has stopped run again. */
export async function deleteBudget(context: BudgetContext, { principal, ...key }: Target): Promise<void> {
  await revise(context, key, {
    actor: toActor(principal),
    decide: (budget) => ({ budget: endBudget(budget), news: [] }),
    async write(work, budget) {
      await deleteBudgetRow(work.sql, key)
      countBudgets(work.sql, key.project_id)
      await note(work.sql, 'budget_deleted', { principal, budget })
    },
  })
}

type Revision = {
  actor: Actor
  decide: (budget: BudgetRecord, now: string) => BudgetStep
  write?: (work: UnitOfWork, budget: BudgetRecord) => Promise<void>
}

/** Decides about a budget under its project's lock, in the window of now, and lets its stop follow. */
async function revise(
  context: BudgetContext,
  key: BudgetKey,
  { actor, decide, write }: Revision,
): Promise<BudgetRecord> {
  const known = await findBudget(context.database, key, context.clock())
  if (!known) throw notFound.budget(key.budget_id, key.project_id)
  const { agent_id } = known.budget
  const { before, after } = await commit(context, async (work) => {
    // The agent of a budget never changes, so its tree can be locked before the project.
    const locked =
      agent_id === null
        ? []
        : await lockWholeTrees(work, { project_id: key.project_id, ids: [agent_id], unobeyed: false })
    await work.lockProjects([key.project_id])
    const now = work.timeOf(key.project_id)
    const found = await findBudget(work.sql, key, now)
    if (!found) throw notFound.budget(key.budget_id, key.project_id)
    const { budget, ended } = toNow(found)
    const step = decide(budget, now)
    const after = announceBudget(
      work,
      { ...step, budget: await endBudgetHold(work, step.budget, actor) },
      actor,
    )
    if (!after.is_settled) await settleTree(work, after, { locked, actor })
    saveBudgets(work.sql, [{ ...after, is_settled: true }])
    keepBudgetPeriods(work.sql, ended ? [{ ...ended, budget_id: after.id }] : [])
    await write?.(work, after)
    return { before: budget, after }
  })
  const moved = before.hold_id === after.hold_id ? [] : [before.hold_id, after.hold_id]
  for (const id of moved) if (id !== null) await untilSettled(context, id)
  return after
}

/**
 * Ends the stops of budgets whose windows are over, and stops or frees the trees that have to be, except in projects that are
 * held up. Returns how many budgets were due, at most `limit`.
 */
export async function settleBudgets(
  context: BudgetContext,
  byProject: ByProject,
  limit: number,
): Promise<number> {
  const due = await listDueBudgets(context.database, {
    at: context.clock(),
    limit,
    except: byProject.heldUp,
  })
  await byProject.run(due, (budget) => settleOne(context, budget))
  return due.length
}

async function settleOne(context: BudgetContext, { project_id, budget_id }: DueBudget): Promise<void> {
  const database = context.turns.share(context.database, project_id)
  try {
    const key = { project_id, budget_id }
    await revise({ ...context, database }, key, {
      actor: system,
      decide: (budget) => ({ budget, news: [] }),
    })
  } catch (error) {
    // The budget was deleted since it was listed.
    if (!(error instanceof SignalboxError)) throw error
  }
}

type Noted = { principal: Principal; budget: BudgetRecord; changed?: readonly string[] }

async function note(sql: Sql, action: AuditAction, { principal, budget, changed }: Noted): Promise<void> {
  const { id, project_id, name, limit } = budget
  await writeAudit(sql, {
    action,
    actor: toActor(principal),
    target_id: id,
    project_id,
    details: { name, limit, ...(changed && { changed }) },
  })
}
