import { type Sql, statement } from './database.ts'

export type AgentTypeRow = { id: string; name: string; slug: string; is_active: boolean }

const lock = statement(
  'share_agent_types',
  'select id, name, slug, is_active from agent_types where id = any($1::uuid[]) order by id for share',
)

/** Keeps the types as they are until the commit: a spawned agent carries its type's name. Before agents. */
export async function lockAgentTypes(sql: Sql, ids: readonly string[]): Promise<Map<string, AgentTypeRow>> {
  if (ids.length === 0) return new Map()
  const rows = await sql.run<AgentTypeRow>(lock, [ids])
  return new Map(rows.map((row) => [row.id, row]))
}

export type AgentTypeDetails = AgentTypeRow & {
  description: string | null
  config: Record<string, unknown>
  created_at: string
  updated_at: string
}

const columns = 'id, name, slug, description, is_active, config, created_at, updated_at'
const exclusive = statement('lock_agent_type', `select ${columns} from agent_types where id = $1 for update`)
const update = statement(
  'update_agent_type',
  `update agent_types set name = $2, slug = $3, description = $4, is_active = $5, config = $6::jsonb, updated_at = $7
   where id = $1 returning ${columns}`,
)

/** Locks a type for a change: no agent is spawned from it meanwhile. */
export async function lockAgentType(sql: Sql, id: string): Promise<AgentTypeDetails | undefined> {
  return (await sql.run<AgentTypeDetails>(exclusive, [id]))[0]
}

export async function updateAgentTypeRow(
  sql: Sql,
  type: Omit<AgentTypeDetails, 'created_at'>,
): Promise<AgentTypeDetails> {
  const [row] = await sql.run<AgentTypeDetails>(update, [
    type.id,
    type.name,
    type.slug,
    type.description,
    type.is_active,
    JSON.stringify(type.config),
    type.updated_at,
  ])
  if (!row) throw new Error('a locked agent type is gone')
  return row
}

const insert = statement(
  'insert_agent_type',
  `insert into agent_types (id, name, slug, description, is_active, config, created_at, updated_at)
   values ($1, $2, $3, $4, $5, $6::jsonb, $7, $7) returning ${columns}`,
)

export async function insertAgentType(
  sql: Sql,
  type: Omit<AgentTypeDetails, 'updated_at'>,
): Promise<AgentTypeDetails> {
  const { id, name, slug, description, is_active, config, created_at } = type
  const values = [id, name, slug, description, is_active, JSON.stringify(config), created_at]
  const [row] = await sql.run<AgentTypeDetails>(insert, values)
  if (!row) throw new Error('an agent type was not inserted')
  return row
}
