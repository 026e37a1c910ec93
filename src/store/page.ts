import { type Sql, type Statement, statement } from './database.ts'

type PageSpec = {
  /** The name of the rows in `from` and `columns`. */
  alias: string
  /** A `from` with a `where`, to which conditions can be added. Its parameters are $1 to $`parameters`. */
  from: string
  parameters: number
  columns: string
  newest: Newest
}

/**
 * The order of a list, newest first: by `by`, then by `id`. Both columns are never null and never change, so a walk passes
 * each row exactly once, even if its other columns change.
 */
type Newest = { by: string; type: 'timestamptz' | 'bigint'; id: string }

/** Where a walk through a list is: the values that its last row is ordered by. */
export type Position = readonly [by: string, id: string]

/** A numbered page, or, on a walk, the rows after a position; null is the beginning. */
export type PageRange = { limit: number } & ({ offset: number } | { after: Position | null })

/** `next`: where the walk continues; null at its end. */
export type Listed<Row> = { rows: Row[] } & ({ total: number } | { next: Position | null })

export type ListStatements = { numbered: Statement; walked: Statement; newest: Newest }

/** The statements of one list. */
export function listStatements(
  name: string,
  { alias, from, parameters, columns, newest }: PageSpec,
): ListStatements {
  const order = `${alias}.${newest.by} desc, ${alias}.${newest.id} desc`
  // A page past the end still has the total.
  const numbered = `select counted.total, ${alias}.* from (select count(*) as total from ${from}) counted
   left join (select ${columns} from ${from} order by ${order}
              limit $${parameters + 1} offset $${parameters + 2}) ${alias} on true order by ${order}`
  const walked = `select ${columns} from ${from} and ${isAfter(alias, newest, parameters + 1)}
   order by ${order} limit $${parameters + 3}`
  return {
    numbered: statement(name, numbered),
    walked: statement(`${name}_after`, walked),
    newest,
  }
}

/** For `where`: a row comes after the position in the parameters `first` and `first` + 1. */
export function isAfter(alias: string, { by, type, id }: Newest, first: number): string {
  return `(${alias}.${by}, ${alias}.${id}) < ($${first}::${type}, $${first + 1}::uuid)`
}

const greatest = { timestamptz: 'infinity', bigint: '9223372036854775807' } as const
const GREATEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The parameters of `isAfter`. The beginning of a walk is before every row. */
export function toAfterValues(after: Position | null, { type }: Newest): Position {
  return after ?? [greatest[type], GREATEST_ID]
}

export async function readList<Row extends object>(
  sql: Sql,
  { numbered, walked, newest }: ListStatements,
  { values, ...range }: PageRange & { values: readonly unknown[] },
): Promise<Listed<Row>> {
  type Columns = Record<string, unknown>
  if ('offset' in range) {
    const parameters = [...values, range.limit, range.offset]
    const joined = await sql.run<Columns & { total: number }>(numbered, parameters)
    const rows = joined.filter((row) => row[newest.id] !== null).map(({ total: _, ...row }) => row as Row)
    return { rows, total: joined[0]?.total ?? 0 }
  }
  const { after, limit } = range
  // One row more than the limit shows whether there are more.
  const parameters = [...values, ...toAfterValues(after, newest), limit + 1]
  const found = await sql.run<Row & Columns>(walked, parameters)
  return { rows: found.slice(0, limit), next: positionAfter(found, limit, newest) }
}

/** Of up to `limit` + 1 rows, the position of the last one that is shown; null if no others follow. */
export function positionAfter(
  found: readonly Record<string, unknown>[],
  limit: number,
  { by, id }: Newest,
): Position | null {
  const last = found[limit - 1]
  return last && found.length > limit ? [String(last[by]), String(last[id])] : null
}
