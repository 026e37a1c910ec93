import { type Sql, type Statement, statement } from './database.ts'

type PageSpec = {
  /** The name of the rows in `from`, `columns` and `order`. */
  alias: string
  /** Where the rows come from, with its conditions; its parameters are $1 to $`parameters`. */
  from: string
  parameters: number
  columns: string
  /** A column that no row has null. */
  key: string
  order: string
}

export type PageStatement = Statement & Pick<PageSpec, 'key'>

/** A statement for one page of rows and how many there are in all: also where the page is past the end. */
export function pageStatement(
  name: string,
  { alias, from, parameters, columns, key, order }: PageSpec,
): PageStatement {
  const text = `select t.total, ${alias}.* from (select count(*) as total from ${from}) t
   left join (select ${columns} from ${from} order by ${order}
              limit $${parameters + 1} offset $${parameters + 2}) ${alias} on true order by ${order}`
  return { ...statement(name, text), key }
}

export type PageRange = { limit: number; offset: number }

export async function readPage<Row>(
  sql: Sql,
  page: PageStatement,
  { values, limit, offset }: PageRange & { values: readonly unknown[] },
): Promise<{ rows: Row[]; total: number }> {
  type Joined = { total: number } & Record<string, unknown>
  const joined = await sql.run<Joined>(page, [...values, limit, offset])
  const rows = joined.filter((row) => row[page.key] !== null).map(({ total: _, ...row }) => row as Row)
  return { rows, total: joined[0]?.total ?? 0 }
}
