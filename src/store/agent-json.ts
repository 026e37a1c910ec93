import { type AgentField, type AgentViews, agentFields, wireNames } from '#src/domain/agent.ts'
import { type AgentFilter, agentMatches, FILTER_PARAMETERS, readColumn, toFilterValues } from './agents.ts'
import { type Sql, sharedRead, statement } from './database.ts'
import { isAfter, type PageRange, type Position, positionAfter, toAfterValues } from './page.ts'
import { planned } from './selector.ts'

const time = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
const asText = (column: string) => `${column}::text`

/** The kinds of field that PostgreSQL's JSON shows in another form than the wire. */
const wireForms: Partial<Record<AgentField['kind'], (column: string) => string>> = { time, money: asText }

const isOpen = `control->>'state' in ('pending', 'delivered')`
const views: Record<keyof AgentViews, string> = {
  runtime: `json_build_object('connected', runtime_connected, 'since', ${time('runtime_since')},
    'capabilities', capabilities, 'client', client)`,
  pending_signals: `pending_messages + pending_answers + coalesce(${isOpen}, false)::int`,
}

/**
 * The Agent of the wire contract, as `toAgent` makes it, but made by the database: so an agent that is only read never
 * becomes an object in between.
 */
const columns = toColumns(wireNames)

function toColumns(names: typeof wireNames): string {
  return [
    ...names.map((name) => [name, wireForms[agentFields[name].kind]?.(name) ?? readColumn(name)]),
    ...Object.entries(views),
  ]
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ')
}

/** The same for `select`, without the memory. */
export const summaryJsonColumns = toColumns(wireNames.filter((name) => name !== 'short_term_memory'))

const hasMemory = `a.short_term_memory <> '{}'`

type FoundJson = { json: string; has_memory: boolean }

/** PostgreSQL writes numbers and spaces of `jsonb` in another form than JavaScript, so a memory is written again. */
function toWireJson({ json, has_memory }: FoundJson): string {
  return has_memory ? JSON.stringify(JSON.parse(json)) : json
}

const one = sharedRead(
  'find_agent_json',
  `select row_to_json(a)::text as json, ${hasMemory} as has_memory
   from (select ${columns} from agents where id = $1 and project_id = $2) a`,
)

/** An agent as JSON; undefined for an unknown one, or one of another project. */
export async function findAgentJson(
  sql: Sql,
  project_id: string,
  agent_id: string,
): Promise<string | undefined> {
  const [found] = await sql.run<FoundJson>(one, [agent_id, project_id])
  return found && toWireJson(found)
}

const numbered = statement(
  'list_agents_json',
  `select (select count(*) from agents a where ${agentMatches}) as total, count(a.id) as size,
     coalesce(json_agg(a), '[]')::text as json, coalesce(bool_or(${hasMemory}), false) as has_memory
   from (select ${columns} from agents a where ${agentMatches} order by a.created_at desc, a.id desc
         limit $${FILTER_PARAMETERS + 1} offset $${FILTER_PARAMETERS + 2}) a`,
)

const newest = { by: 'created_at', type: 'timestamptz', id: 'id' } as const
const walked = statement(
  'list_agents_json_after',
  `select a.created_at, a.id, row_to_json(a)::text as json, ${hasMemory} as has_memory
   from (select ${columns} from agents a where ${agentMatches} and ${isAfter('a', newest, FILTER_PARAMETERS + 1)}
         order by a.created_at desc, a.id desc limit $${FILTER_PARAMETERS + 3}) a`,
)

type ListedJson = { json: string } & ({ size: number; total: number } | { next: Position | null })

/** A project's agents, newest first, as a JSON array; a numbered page with its `size` and how many there are in all. */
export async function listAgentsJson(
  sql: Sql,
  project_id: string,
  filter: AgentFilter,
  range: PageRange,
): Promise<ListedJson> {
  const values = [project_id, ...toFilterValues(filter)]
  if ('offset' in range) {
    const parameters = [...values, range.limit, range.offset]
    const statement = planned(numbered, filter)
    const [found] = await sql.run<FoundJson & { size: number; total: number }>(statement, parameters)
    return found ? { ...found, json: toWireJson(found) } : { json: '[]', size: 0, total: 0 }
  }
  const { after, limit } = range
  const parameters = [...values, ...toAfterValues(after, newest), limit + 1]
  const statement = planned(walked, filter)
  const found = await sql.run<FoundJson & { created_at: string; id: string }>(statement, parameters)
  const shown = found.slice(0, limit).map(toWireJson)
  return { json: `[${shown.join(',')}]`, next: positionAfter(found, limit, newest) }
}
