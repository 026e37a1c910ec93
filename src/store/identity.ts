import { type Sql, statement } from './database.ts'

const identify = statement(
  'identify_database',
  `select system_identifier::text as cluster, current_database() as name from pg_control_system()`,
)
const readName = statement('read_database_name', 'select current_database() as name')

/**
 * Tells a database from its copies: the system identifier of its PostgreSQL, and its name there. Streaming replicas share
 * both, so a failover changes nothing; a move to another cluster does.
 */
export async function identifyDatabase(sql: Sql): Promise<string> {
  type Row = { cluster?: string; name: string }
  // A role that may not read the identifier uses the name alone.
  const [row] = await sql.run<Row>(identify).catch(() => sql.run<Row>(readName))
  return `${row?.cluster ?? ''} ${row?.name ?? ''}`
}
