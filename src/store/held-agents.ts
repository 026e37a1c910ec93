import type { AgentState } from '#src/domain/agent.ts'
import type { Hold } from '#src/domain/hold.ts'
import { parseSelector } from '#src/domain/selector.ts'
import { agentBytes, type LockedAgent, readColumn, treeOf } from './agents.ts'
import { type Sql, statement, type Transaction } from './database.ts'
import { planned, selectorMatches, toSelectorValues } from './selector.ts'

const running = statement(
  'list_running_agents',
  `select id from agents where id = any($1::uuid[]) and status not in ('paused', 'terminated')`,
)

/** Which of these agents run. */
export async function listRunning(sql: Sql, ids: readonly string[]): Promise<string[]> {
  return (await sql.run<{ id: string }>(running, [ids])).map(({ id }) => id)
}

const runningParents = statement(
  'list_running_causes',
  `select distinct p.id from agents a join agents p on p.id = (a.control->'cause'->>'id')::uuid
   where a.id = any($1::uuid[]) and a.status = 'paused' and a.control->'cause'->>'kind' = 'parent'
     and p.status not in ('paused', 'terminated')`,
)

/** The agents that run and that some of these agents were paused with. */
export async function listRunningCauses(sql: Sql, ids: readonly string[]): Promise<string[]> {
  return (await sql.run<{ id: string }>(runningParents, [ids])).map(({ id }) => id)
}

const paused = statement(
  'list_paused_agents',
  `select id, ${readColumn('control')} as control from agents where id = any($1::uuid[]) and status = 'paused'`,
)

/** Those of these agents that are paused, with their orders. */
export function listPaused(sql: Sql, ids: readonly string[]): Promise<Pick<AgentState, 'id' | 'control'>[]> {
  return sql.run<Pick<AgentState, 'id' | 'control'>>(paused, [ids])
}

const inOrder = 'order by depth, id'

const toHold = statement(
  'list_agents_to_hold',
  `select id, depth, ${agentBytes} as bytes from agents
   where project_id = $1 and status <> 'terminated' and ($3::uuid is null or agent_type_id = $3)
     and not holds @> jsonb_build_array($2::text) and ${selectorMatches(4)} ${inOrder}`,
)

/** The agents that match a hold and do not show it, parents first. Once the hold is committed, no more are added. */
export function listAgentsToHold(
  sql: Sql,
  { id, project_id, agent_type_id, selector }: Hold,
): Promise<LockedAgent[]> {
  const terms = parseSelector(selector ?? '')
  const values = [project_id, id, agent_type_id, ...toSelectorValues(terms)]
  return sql.run<LockedAgent>(planned(toHold, { selector: terms }), values)
}

export type HeldAgent = LockedAgent & { has_children: boolean; may_resume: boolean }

const held = statement(
  'list_held_agents',
  `select id, depth, ${agentBytes} as bytes, has_children,
     status = 'paused' and jsonb_array_length(holds) = 1 and control->'cause'->>'kind' in ('hold', 'budget') as may_resume
   from agents where project_id = $1 and holds @> jsonb_build_array($2::text) ${inOrder}`,
)

/** The agents that show a hold, parents first. */
export function listHeldAgents(sql: Sql, { id, project_id }: Hold): Promise<HeldAgent[]> {
  return sql.run<HeldAgent>(held, [project_id, id])
}

const followers = statement(
  'count_paused_with',
  `with recursive ${treeOf('id = any($2::uuid[])')},
   paused as (
     select a.id, (a.control->'cause'->>'id')::uuid as with_id from tree join agents a on a.id = tree.id
     where a.status = 'paused' and a.control->'cause'->>'kind' = 'parent' and a.holds = '[]' and a.over_budgets = '[]'
       and (a.token_limit is null or a.tokens_used < a.token_limit)
       and (a.cost_limit is null or a.cost_incurred < a.cost_limit)
   ), goes as (
     select id from unnest($2::uuid[]) as d(id)
     union
     select paused.id from goes join paused on paused.with_id = goes.id
   )
   select count(*)::int - cardinality($2::uuid[]) as count from goes`,
)

/** How many agents resume with these. */
export async function countPausedWith(sql: Sql, project_id: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  return (await sql.run<{ count: number }>(followers, [project_id, ids]))[0]?.count ?? 0
}

const addCounts = statement(
  'count_held_agents',
  `update holds h set affected_count = h.affected_count + d.count
   from unnest($1::uuid[], $2::int[]) as d(id, count) where h.id = d.id`,
)

/** Adds agents that holds have paused. */
export function countHeld(sql: Transaction, counts: ReadonlyMap<string, number>): void {
  sql.send(addCounts, [[...counts.keys()], [...counts.values()]])
}

/** An agent whose children are to follow a pause: its own, or that of an agent above it. */
export type HeldParent = { hold_id: string; agent_id: string; by_id: string }

const addParents = statement(
  'add_held_parents',
  `with added as (
     insert into held_parents (hold_id, agent_id, by_id)
     select d.hold_id, d.agent_id, d.by_id from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as d(hold_id, agent_id, by_id)
     where exists (select from holds h where h.id = d.hold_id and h.released_at is null)
     on conflict do nothing
   )
   update holds set is_settled = false where id = any($1::uuid[]) and is_settled`,
)

/** From now on their holds are not settled. */
export function addHeldParents(sql: Transaction, parents: readonly HeldParent[]): void {
  sql.send(addParents, [
    parents.map(({ hold_id }) => hold_id),
    parents.map(({ agent_id }) => agent_id),
    parents.map(({ by_id }) => by_id),
  ])
}

/** A child that may have to follow. `id` is null for a parent without further children. */
export type ChildToHold = { id: string | null; agent_id: string; by_id: string }

const children = statement(
  'list_children_to_hold',
  `select c.id, f.agent_id, f.by_id from (
     select agent_id, by_id, after_id from held_parents where hold_id = $1 order by agent_id limit $2
   ) f left join lateral (
     select id from agents where parent_id = f.agent_id and (f.after_id is null or id > f.after_id) order by id limit $2
   ) c on true order by f.agent_id, c.id limit $2`,
)

/** The next children of the agents whose children are to follow a hold, at most `limit`. */
export function listChildrenToHold(sql: Sql, hold_id: string, limit: number): Promise<ChildToHold[]> {
  return sql.run<ChildToHold>(children, [hold_id, limit])
}

const done = statement(
  'end_held_parents',
  'delete from held_parents where hold_id = $1 and agent_id = any($2::uuid[])',
)
const moved = statement(
  'move_held_parent',
  'update held_parents set after_id = $3 where hold_id = $1 and agent_id = $2',
)

/** `ended`: all their children have been looked at. `last`: of this parent those up to that child. */
export function moveHeldParents(
  sql: Transaction,
  hold_id: string,
  { ended, last }: { ended: readonly string[]; last: { agent_id: string; id: string } | undefined },
): void {
  if (ended.length > 0) sql.send(done, [hold_id, ended])
  if (last) sql.send(moved, [hold_id, last.agent_id, last.id])
}
