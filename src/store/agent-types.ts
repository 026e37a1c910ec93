import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

export type AgentTypeRow = { id: string; name: string; slug: string; is_active: boolean }

/** How a type is named: by its id, or by its slug, which may look like an id. */
export type AgentTypeKey = { id: string } | { slug: string; id: string | undefined }

const lock = statement(
  'share_agent_types',
  `select id, name, slug, is_active from agent_types where id = any($1::uuid[]) or slug = any($2::text[])
   order by id for share`,
)

/** Types that are locked. */
export class AgentTypes {
  readonly #rows: readonly AgentTypeRow[]

  constructor(rows: readonly AgentTypeRow[]) {
    this.#rows = rows
  }

  /** Where one type has for its slug what is another's id, the id counts. */
  find(key: AgentTypeKey): AgentTypeRow | undefined {
    const byId = this.#rows.find((row) => row.id === key.id)
    return byId ?? ('slug' in key ? this.#rows.find((row) => row.slug === key.slug) : undefined)
  }
}

/** Keeps the types unchanged until the commit, since a spawned agent copies its type's name. Locked before agents. */
export async function lockAgentTypes(sql: Sql, keys: readonly AgentTypeKey[]): Promise<AgentTypes> {
  if (keys.length === 0) return new AgentTypes([])
  const ids = keys.flatMap(({ id }) => id ?? [])
  const slugs = keys.flatMap((key) => ('slug' in key ? key.slug : []))
  return new AgentTypes(await sql.run<AgentTypeRow>(lock, [distinct(ids), distinct(slugs)]))
}

const distinct = (values: readonly string[]) => [...new Set(values)]

export type AgentTypeDetails = AgentTypeRow & {
  description: string | null
  config: Record<string, unknown>
  created_at: string
  updated_at: string
}

const columns = 'id, name, slug, description, is_active, config, created_at, updated_at'
const byId = statement('find_agent_type', `select ${columns} from agent_types where id = $1`)
const exclusive = statement('lock_agent_type', `select ${columns} from agent_types where id = $1 for update`)
const update = statement(
  'update_agent_type',
  `update agent_types set name = $2, slug = $3, description = $4, is_active = $5, config = $6::jsonb, updated_at = $7
   where id = $1 returning ${columns}`,
)

export async function findAgentType(sql: Sql, id: string): Promise<AgentTypeDetails | undefined> {
  return (await sql.run<AgentTypeDetails>(byId, [id]))[0]
}

/** Locks a type for a change. Until the commit no agent is spawned from it. */
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
  if (!row) throw new Error('a locked agent type is missing')
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

const list = listStatements('list_agent_types', {
  alias: 't',
  from: 'agent_types t where true',
  parameters: 0,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** All types, newest first. */
export function listAgentTypes(sql: Sql, range: PageRange): Promise<Listed<AgentTypeDetails>> {
  return readList<AgentTypeDetails>(sql, list, { values: [], ...range })
}
