import { type AgentField, type AgentState, agentFields } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { Selector } from '#src/domain/selector.ts'
import { type Sql, sharedRead, statement } from './database.ts'
import { type AgentName, holdersOf, toColumns } from './names.ts'
import { planned, selectorMatches, toSelectorValues } from './selector.ts'

/** The type of each kind of field, as a column and where rows come in as JSON. */
const columnTypes: Record<AgentField['kind'], string> = {
  uuid: 'uuid',
  text: 'text',
  integer: 'int',
  count: 'bigint',
  money: 'numeric',
  flag: 'boolean',
  time: 'timestamptz',
  json: 'jsonb',
}

/** Servers of the release before modes and causes go on writing controls without them during an upgrade. */
const completeControl = `case when control ? 'cause' then control else control || jsonb_build_object(
  'mode', case control->>'kind' when 'pause' then 'checkpoint' when 'terminate' then 'graceful' end,
  'cause', jsonb_build_object('id', null, 'kind', case
    when control->'requested_by'->>'kind' = 'runtime' then 'runtime'
    when control->'requested_by'->>'kind' = 'system' and control->>'reason' = 'resume_after' then 'timer'
    when control->'requested_by'->>'kind' = 'system' then 'budget'
    else 'order' end)) end`

/** What to select in the place of a column. */
const readAs: Record<string, string> = { control: completeControl }

/** The expression that reads a column. */
export function readColumn(name: string): string {
  return readAs[name] ?? name
}

const fields = Object.entries<AgentField>(agentFields)
const MEMORY = 'short_term_memory'

/** The columns of an agent; `memory` is what to select in the place of its memory. */
function listColumns(memory: string): string {
  const read = (name: string) => (name === MEMORY ? memory : readColumn(name))
  return fields.map(([name]) => `${read(name)} as ${name}`).join(', ')
}

/** For `select`: everything but the memory, which events and snapshots don't carry. */
export const summaryColumns = listColumns(`'{}'::jsonb`)
export const wholeColumns = listColumns(MEMORY)
/** For `insert`. */
export const agentColumns = fields.map(([name]) => name).join(', ')

/** For `from json_to_recordset($1) as d(…)`. */
export const agentRecord = fields.map(([name, { kind }]) => `${name} ${columnTypes[kind]}`).join(', ')

/** A memory that did not change is not sent: null keeps the stored one, without rewriting it. */
export const agentAssignments = fields
  .filter(([, { isFixed }]) => !isFixed)
  .map(([name]) => (name === MEMORY ? `${name} = coalesce(d.${name}, a.${name})` : `${name} = d.${name}`))
  .join(', ')

/** Expressions for all text of an agent that may be long. What else it has is under 1 KB. */
export const longTexts = fields.flatMap(([name, { kind, longText }]) => {
  if (!longText) return []
  if (longText !== true) return `${name}->>'${longText.key}'`
  return kind === 'json' ? `${name}::text` : name
})

// A memory may be 64 KiB. Where the caller does not need it, the row has an empty one in its place. The project is compared
// as text, so that the rows are found by their ids and not by their project.
const lock = statement(
  'lock_agents',
  `select ${listColumns(`case when id = any($3::uuid[]) then ${MEMORY} else '{}'::jsonb end`)} from agents
   where (id, project_id::text) in (select * from unnest($1::uuid[], $2::text[])) order by id for no key update`,
)

const lockWithHolders = statement(
  'lock_agents_and_holders',
  `with holders as materialized (select a.id, a.project_id::text from ${holdersOf('$4', '$5')})
   select ${listColumns(`case when id = any($3::uuid[]) or id in (select id from holders) then ${MEMORY} else '{}'::jsonb end`)}
   from agents
   where (id, project_id::text) in (select * from unnest($1::uuid[], $2::text[]) union all select * from holders)
   order by id for no key update`,
)

export type AgentKey = { agent_id: string; project_id: string }
/** `ignores_memory`: neither the decision nor its answer uses the agent's memory. */
export type AgentToLock = AgentKey & { ignores_memory?: boolean | undefined }

/**
 * Locks agents in the order of their ids, and reads each as it is under its lock. An agent of another project than the one
 * named with it is left out. The agents that have one of `names` when this begins are locked as well, and read whole.
 */
export async function lockAgents(
  sql: Sql,
  keys: readonly AgentToLock[],
  names: readonly AgentName[] = [],
): Promise<Map<string, AgentState>> {
  const values = [
    keys.map((key) => key.agent_id),
    keys.map((key) => key.project_id),
    keys.flatMap((key) => (key.ignores_memory ? [] : key.agent_id)),
  ]
  const rows =
    names.length > 0
      ? await sql.run<AgentState>(lockWithHolders, [...values, ...toColumns(names)])
      : await sql.run<AgentState>(lock, values)
  return new Map(rows.map((row) => [row.id, row]))
}

const byId = sharedRead('find_agent', `select ${wholeColumns} from agents where id = $1 and project_id = $2`)

export async function findAgent(
  sql: Sql,
  project_id: string,
  agent_id: string,
): Promise<AgentState | undefined> {
  return (await sql.run<AgentState>(byId, [agent_id, project_id]))[0]
}

const parenthood = statement(
  'find_parenthood',
  'select has_children from agents where id = $1 and project_id = $2',
)

/** Whether an agent has children, as of now: the agent is not locked. */
export async function hasChildren(sql: Sql, { agent_id, project_id }: AgentKey): Promise<boolean> {
  const [found] = await sql.run<{ has_children: boolean }>(parenthood, [agent_id, project_id])
  return found?.has_children ?? false
}

export type AgentFilter = {
  status?: AgentStatus | undefined
  agent_type_id?: string | undefined
  q?: string | undefined
  selector?: Selector | undefined
  parent_id?: string | undefined
}

/** Names that are older than the rule for NFC may not be in it. Only the few that are not ASCII are normalized. */
const composedName = 'case when octet_length(name) = length(name) then name else normalize(name) end'

/** For `where`: a project as $1, the filter as $2 to $7. */
export const agentMatches = `project_id = $1 and ($2::text is null or status = $2)
  and ($3::uuid is null or agent_type_id = $3) and ($4::text is null or position(lower($4) in lower(${composedName})) > 0)
  and ($5::uuid is null or parent_id = $5) and ${selectorMatches(6)}`
export const FILTER_PARAMETERS = 7

export function toFilterValues({ status, agent_type_id, q, parent_id, selector }: AgentFilter): unknown[] {
  return [status ?? null, agent_type_id ?? null, q ?? null, parent_id ?? null, ...toSelectorValues(selector)]
}

/**
 * For `with recursive`: `tree` has the named agents of the project $1 and all their descendants, each once. The lateral join
 * makes the planner look up the children of each agent that has some.
 */
export function treeOf(named: string): string {
  return `tree as (
    select id, has_children from agents where project_id = $1 and ${named}
    union
    select child.id, child.has_children from tree cross join lateral (
      select id, has_children from agents where parent_id = tree.id offset 0
    ) child where tree.has_children
  )`
}

const toResume = statement(
  'agents_to_resume',
  `select id as agent_id, project_id, has_children from agents
   where resume_at <= now() and holds = '[]' and over_budgets = '[]' and project_id <> all($2::uuid[]) order by resume_at limit $1`,
)

/** Paused agents whose pause is over and that are not held, the longest overdue first, but none of the projects in `except`. */
export function listAgentsToResume(
  sql: Sql,
  { limit, except }: { limit: number; except: readonly string[] },
): Promise<(AgentKey & { has_children: boolean })[]> {
  return sql.run<AgentKey & { has_children: boolean }>(toResume, [limit, except])
}

/** A locked agent of a fleet. `depth` is its level; `bytes` is the size of its long texts, before they are JSON. */
export type LockedAgent = { id: string; depth: number; bytes: number }

/** The expression for `bytes` of a LockedAgent. */
export const agentBytes = longTexts.map((text) => `coalesce(octet_length(${text}), 0)`).join(' + ')
const lockWhere = (name: string, condition: string, before = '') =>
  statement(
    name,
    `${before} select id, depth, ${agentBytes} as bytes from agents where ${condition} order by id for no key update`,
  )
/** Terminated agents whose runtimes, if they had any, have not obeyed yet. */
const unobeyedEnd = `control->>'kind' = 'terminate' and control->>'state' <> 'done'
   and (runtime_since is not null or control->>'state' <> 'pending')`
const lockLive = lockWhere(
  'lock_live_agents',
  `project_id = $1
   and (status <> 'terminated' or ($2::boolean and has_children) or ($3::boolean and ${unobeyedEnd}))`,
)
const lockOfProject = lockWhere('lock_all_agents', 'project_id = $1')
const lockOfType = lockWhere('lock_agents_of_type', 'agent_type_id = $1')
const lockNamed = lockWhere('lock_named_agents', 'project_id = $1 and id = any($2::uuid[])')
const lockTree = lockWhere(
  'lock_trees',
  `id = any(array(select id from tree))
   and (status <> 'terminated' or has_children or id = any($2::uuid[]) or ($3::boolean and ${unobeyedEnd}))`,
  `with recursive ${treeOf('id = any($2::uuid[])')}`,
)

/** Terminated agents to lock, too. `unobeyed`: those that may get their terminate again. */
type AlsoEnded = { unobeyed: boolean }

/**
 * Locks the agents of a project that are not terminated, in the order of their ids. The spawn lock makes that all.
 * `parents`: and those that connect others to the trees that they are in.
 */
export function lockLiveAgents(
  sql: Sql,
  project_id: string,
  { parents, unobeyed }: AlsoEnded & { parents: boolean },
): Promise<LockedAgent[]> {
  return sql.run<LockedAgent>(lockLive, [project_id, parents, unobeyed])
}

/**
 * Locks the named agents that the project has, and their descendants that are not terminated or have children, in the order
 * of their ids. The spawn lock makes that all.
 */
export function lockTrees(
  sql: Sql,
  { project_id, ids, unobeyed }: AlsoEnded & { project_id: string; ids: readonly string[] },
): Promise<LockedAgent[]> {
  return sql.run<LockedAgent>(lockTree, [project_id, ids, unobeyed])
}

const matching = statement(
  'find_matching_agents',
  `select id from agents
   where project_id = $1 and (status <> 'terminated' or ($2::boolean and ${unobeyedEnd})) and ${selectorMatches(3)}`,
)

/** The ids of the agents of a project that match. They stay the same while the spawn lock is held. */
export async function findMatching(
  sql: Sql,
  { project_id, selector, unobeyed }: AlsoEnded & { project_id: string; selector: Selector },
): Promise<string[]> {
  const values = [project_id, unobeyed, ...toSelectorValues(selector)]
  return (await sql.run<{ id: string }>(planned(matching, { selector }), values)).map(({ id }) => id)
}

/** Locks every agent of a project, terminated ones too, in the order of their ids. The spawn lock makes that all. */
export function lockAgentsOfProject(sql: Sql, project_id: string): Promise<LockedAgent[]> {
  return sql.run<LockedAgent>(lockOfProject, [project_id])
}

/** Locks every agent of a locked type, in all projects, terminated ones too, in the order of their ids. */
export function lockAgentsOfType(sql: Sql, agent_type_id: string): Promise<LockedAgent[]> {
  return sql.run<LockedAgent>(lockOfType, [agent_type_id])
}

/** Locks the named agents that the project has, in the order of their ids. */
export function lockNamedAgents(
  sql: Sql,
  project_id: string,
  ids: readonly string[],
): Promise<LockedAgent[]> {
  return sql.run<LockedAgent>(lockNamed, [project_id, ids])
}

const withoutMemories = statement(
  'read_agents_without_memories',
  `select ${summaryColumns} from agents where id = any($1::uuid[]) order by depth, id`,
)

/**
 * Reads agents that the caller's transaction has locked, each with an empty memory in the place of its own. Parents come
 * before their children, agents of one level in the order of their ids.
 */
export function readWithoutMemories(sql: Sql, ids: readonly string[]): Promise<AgentState[]> {
  return sql.run<AgentState>(withoutMemories, [ids])
}

const projectsOfType = statement(
  'projects_of_type',
  'select distinct project_id from agents where agent_type_id = $1',
)

export async function listProjectsOfType(sql: Sql, agent_type_id: string): Promise<string[]> {
  const rows = await sql.run<{ project_id: string }>(projectsOfType, [agent_type_id])
  return rows.map((row) => row.project_id)
}
