import { type Sql, statement } from './database.ts'

/** An agent's `external_id` in its project. */
export type AgentName = { project_id: string; external_id: string }
export type NamedAgent = AgentName & { id: string }

/**
 * For `from`: the agents with the names whose projects and texts are two parameters. The project is compared as text, as in
 * the names' own index: while a table is small, the planner takes any other that begins with the project for as good.
 */
export const holdersOf = (projects: string, names: string) =>
  `unnest(${projects}::text[], ${names}::text[]) as n(project_id, external_id)
   join agents a on a.project_id::text = n.project_id and a.external_id = n.external_id`

const find = statement(
  'find_holders',
  `select a.project_id, a.external_id, a.id from ${holdersOf('$1', '$2')}`,
)

/** The agents that have these names. A name changes only under its project's lock. */
export function findHolders(sql: Sql, names: readonly AgentName[]): Promise<NamedAgent[]> {
  return sql.run<NamedAgent>(find, toColumns(names))
}

export function toColumns(names: readonly AgentName[]): [projects: string[], names: string[]] {
  return [names.map((name) => name.project_id), names.map((name) => name.external_id)]
}
