import { refuse } from '#src/domain/errors.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import {
  type BudgetPeriod,
  type BudgetRecord,
  type FoundBudget,
  MAX_KEPT_WINDOWS,
  toBudget,
  toNow,
} from '#src/domain/spending.ts'
import type { Time } from '#src/domain/time.ts'
import { MAX_COUNTED_BUDGETS } from './bounds.ts'
import { bucketOf, endOfBucket, firstInstant } from './calendar.ts'
import { type Sql, sharedRead, statement, type Transaction } from './database.ts'
import { isUnknownParameter } from './failures.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** The columns of a budget, with their types where rows come in as JSON. The fixed ones are never written again. */
const fixed = {
  id: 'uuid',
  project_id: 'uuid',
  metric: 'text',
  window: 'text',
  timezone: 'text',
  selector: 'text',
  agent_type_id: 'uuid',
  agent_id: 'uuid',
  created_by: 'jsonb',
  created_at: 'timestamptz',
} as const
const changing = {
  name: 'text',
  limit: 'numeric',
  warn_at: 'jsonb',
  action: 'text',
  mode: 'text',
  spent: 'numeric',
  starts_at: 'timestamptz',
  resets_at: 'timestamptz',
  warned: 'jsonb',
  exceeded_at: 'timestamptz',
  hold_id: 'uuid',
  is_settled: 'boolean',
} as const
const columns = { ...fixed, ...changing } satisfies Record<keyof BudgetRecord, string>

const names = Object.keys(columns).map((name) => `"${name}"`)
const record = Object.entries(columns)
  .map(([name, type]) => `"${name}" ${type}`)
  .join(', ')
const assignments = Object.keys(changing)
  .map((name) => `"${name}" = d."${name}"`)
  .join(', ')

/** The window in which a time lies; it begins where the last one has ended, even if the rules of the zone have changed. */
const startOf = (at: string) =>
  firstInstant(bucketOf(at, 'b."window"', 'b.timezone'), 'b."window"', 'b.timezone')
const endOf = (at: string) => endOfBucket(at, 'b."window"', 'b.timezone')
const selected = (at: string) => `${names.map((name) => `b.${name}`).join(', ')},
  case when b.resets_at <= ${at} then greatest(${startOf(at)}, b.resets_at) end as next_starts_at,
  case when b.resets_at <= ${at} then ${endOf(at)} end as next_resets_at`

type Row = BudgetRecord & { next_starts_at: Time | null; next_resets_at: Time | null }
function toFound({ next_starts_at, next_resets_at, ...budget }: Row): FoundBudget {
  const hasNext = next_starts_at !== null && next_resets_at !== null
  return { budget, next: hasNext ? { starts_at: next_starts_at, resets_at: next_resets_at } : undefined }
}

// The tables of a zone's rules are read only for budgets whose windows have ended, and ancestors only for budgets of trees.
const inProjects = statement(
  'read_budgets',
  `with recursive above as (
     select id as agent_id, id as ancestor_id, parent_id from agents where id = any($3::uuid[])
     union all
     select above.agent_id, a.id, a.parent_id from above join agents a on a.id = above.parent_id
   )
   select ${selected('d.at')},
     case when b.agent_id is null then '[]' else coalesce(
       (select jsonb_agg(above.agent_id) from above where above.ancestor_id = b.agent_id), '[]') end as members
   from unnest($1::uuid[], $2::timestamptz[]) as d(project_id, at) join budgets b on b.project_id = d.project_id
   order by b.created_at, b.id`,
)

export type BudgetInProject = FoundBudget & { members: readonly string[] }

/**
 * The budgets of locked projects, the oldest first, each as of a time. `members`: those of `agent_ids` that are in the
 * tree of the budget's agent.
 */
export async function readBudgets(
  sql: Sql,
  projects: readonly { id: string; at: Time }[],
  agent_ids: readonly string[],
): Promise<BudgetInProject[]> {
  const values = [projects.map(({ id }) => id), projects.map(({ at }) => at), agent_ids]
  const rows = await sql.run<Row & { members: string[] }>(inProjects, values)
  return rows.map(({ members, ...row }) => ({ ...toFound(row), members }))
}

const byId = statement(
  'find_budget',
  `select ${selected('$3::timestamptz')} from budgets b where b.project_id = $1 and b.id = $2`,
)

export type BudgetKey = { project_id: string; budget_id: string }

/** A budget as of `at`. */
export async function findBudget(
  sql: Sql,
  { project_id, budget_id }: BudgetKey,
  at: Time,
): Promise<FoundBudget | undefined> {
  const [row] = await sql.run<Row>(byId, [project_id, budget_id, at])
  return row && toFound(row)
}

const list = listStatements('list_budgets', {
  alias: 'b',
  from: 'budgets b where b.project_id = $1',
  parameters: 2,
  columns: selected('$2::timestamptz'),
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** A project's budgets as of `at`, newest first. */
export async function listBudgets(
  sql: Sql,
  project_id: string,
  { at, ...range }: PageRange & { at: Time },
): Promise<Listed<FoundBudget>> {
  const { rows, ...end } = await readList<Row>(sql, list, { values: [project_id, at], ...range })
  return { rows: rows.map(toFound), ...end }
}

const all = sharedRead(
  'list_all_budgets',
  `select ${selected('now()')} from budgets b where b.project_id = $1 order by b.created_at, b.id`,
)

/** All budgets of a project as they are shown now, oldest first. */
export async function listProjectBudgets(sql: Sql, project_id: string): Promise<ProjectBudget[]> {
  const rows = await sql.run<Row>(all, [project_id])
  return rows.map((row) => toBudget(toNow(toFound(row)).budget))
}

// The newest window may have ended without any use of the next one.
const periods = listStatements('list_budget_windows', {
  alias: 'w',
  from: `(
    select budget_id, starts_at, ends_at, spent, "limit", exceeded_at from budget_periods where budget_id = $1
    union all
    select id, starts_at, resets_at, spent, "limit", exceeded_at from budgets
    where id = $1 and resets_at <= $2::timestamptz and spent > 0
    order by starts_at desc limit ${MAX_KEPT_WINDOWS}
  ) w where true`,
  parameters: 2,
  columns: 'w.budget_id, w.starts_at, w.ends_at, w.spent, w."limit", w.exceeded_at',
  newest: { by: 'starts_at', type: 'timestamptz', id: 'budget_id' },
})

/** The windows of a budget that have ended by `at`, newest first. */
export async function listBudgetPeriods(
  sql: Sql,
  budget_id: string,
  { at, ...range }: PageRange & { at: Time },
): Promise<Listed<BudgetPeriod>> {
  const values = [budget_id, at]
  const { rows, ...end } = await readList<BudgetPeriod & { budget_id: string }>(sql, periods, {
    values,
    ...range,
  })
  return { rows: rows.map(({ budget_id: _, ...period }) => period), ...end }
}

const insert = statement(
  'insert_budget',
  `insert into budgets (${names.join(', ')})
   select ${names.map((name) => (name === '"starts_at"' || name === '"resets_at"' ? `w.${name}` : `b.${name}`)).join(', ')}
   from json_to_recordset($1::json) as b(${record}) cross join lateral (
     select case when b."window" = 'none' then b.created_at else ${startOf('b.created_at')} end as starts_at,
       case when b."window" <> 'none' then ${endOf('b.created_at')} end as resets_at
   ) w returning starts_at, resets_at`,
)

/** Puts a new budget into the window of its creation. Refuses with `invalid` a time zone that the database does not know. */
export async function insertBudget(sql: Sql, budget: BudgetRecord): Promise<BudgetRecord> {
  const asked = sql.run<Pick<BudgetRecord, 'starts_at' | 'resets_at'>>(insert, [JSON.stringify([budget])])
  const [bounds] = await asked.catch((error: unknown) => {
    if (isUnknownParameter(error)) throw refuse('invalid', 'The database has no such time zone', 'timezone')
    throw error
  })
  return { ...budget, ...bounds }
}

const save = statement(
  'save_budgets',
  `update budgets b set ${assignments} from json_to_recordset($1::json) as d(${record})
   where b.id = d.id and b.id = any($2::uuid[])`,
)

/** Writes changed budgets of locked projects in the same round trip as the commit. */
export function saveBudgets(sql: Transaction, budgets: readonly BudgetRecord[]): void {
  if (budgets.length > 0) sql.send(save, [JSON.stringify(budgets), budgets.map(({ id }) => id)])
}

const keep = statement(
  'keep_budget_periods',
  `insert into budget_periods (budget_id, starts_at, ends_at, spent, "limit", exceeded_at)
   select budget_id, starts_at, ends_at, spent, "limit", exceeded_at from json_to_recordset($1::json)
     as d(budget_id uuid, starts_at timestamptz, ends_at timestamptz, spent numeric, "limit" numeric, exceeded_at timestamptz)`,
)
const forget = statement(
  'forget_budget_periods',
  `delete from budget_periods p where p.budget_id = any($1::uuid[]) and p.starts_at < (
     select starts_at from budget_periods n where n.budget_id = p.budget_id
     order by starts_at desc offset ${MAX_KEPT_WINDOWS - 1} limit 1)`,
)

/** Keeps windows that have ended, and forgets the oldest beyond MAX_KEPT_WINDOWS of each budget. */
export function keepBudgetPeriods(
  sql: Transaction,
  ended: readonly (BudgetPeriod & { budget_id: string })[],
): void {
  if (ended.length === 0) return
  sql.send(keep, [JSON.stringify(ended)])
  sql.send(forget, [ended.map(({ budget_id }) => budget_id)])
}

const remove = statement('delete_budget', 'delete from budgets where project_id = $1 and id = $2')

export async function deleteBudgetRow(sql: Sql, { project_id, budget_id }: BudgetKey): Promise<void> {
  await sql.run(remove, [project_id, budget_id])
}

const recount = statement(
  'count_budgets',
  'update projects set budget_count = (select count(*) from budgets where project_id = $1) where id = $1',
)

/** Lets the next transactions know whether the locked project has budgets. */
export function countBudgets(sql: Transaction, project_id: string): void {
  sql.send(recount, [project_id])
}

export type DueBudget = { project_id: string; budget_id: string; agent_id: string | null }

const due = statement(
  'list_due_budgets',
  `select id as budget_id, project_id, agent_id from budgets
   where project_id <> all($3::uuid[])
     and ((exceeded_at is not null and resets_at <= $1::timestamptz) or not is_settled)
   order by id limit $2`,
)

/** Budgets whose stops have ended by `at`, or that have a tree to stop or to free, but none of the projects in `except`. */
export function listDueBudgets(
  sql: Sql,
  { at, limit, except }: { at: Time; limit: number; except: readonly string[] },
): Promise<DueBudget[]> {
  return sql.run<DueBudget>(due, [at, limit, except])
}

const exceeded = statement(
  'count_exceeded_budgets',
  `select count(*) as count from (select 1 from budgets
   where exceeded_at is not null and (resets_at is null or resets_at > now()) limit ${MAX_COUNTED_BUDGETS}) b`,
)

/** How many budgets are used up now; at most MAX_COUNTED_BUDGETS are looked at. */
export async function countExceededBudgets(sql: Sql): Promise<number> {
  return (await sql.run<{ count: number }>(exceeded))[0]?.count ?? 0
}
