import type { UsageReport } from '#src/client/rest/rest.ts'
import { addMoney } from '#src/domain/money.ts'
import { toTable } from './text.ts'

type Row = UsageReport['data'][number]
type Column = [header: string, read: (row: Row) => string]

const WIDTH = 30

/**
 * A table with a bar in each line: of the cost, or of the tokens where nothing has a price. `by` is what it is grouped by;
 * groups without buckets are the largest first.
 */
export function toUsageText(
  { data, from, to }: UsageReport,
  { by, bucket, timezone }: { by: string | undefined; bucket: string | undefined; timezone: string },
): string {
  const local = (time: string) => toLocal(time, timezone)
  if (data.length === 0) return `Nothing was used from ${local(from)} to ${local(to)}`
  const isSum = bucket === undefined
  const rows = isSum ? sumGroups(data) : data
  const measure = rows.some(({ cost_incurred }) => Number(cost_incurred) > 0)
    ? ({ cost_incurred }: Row) => Number(cost_incurred)
    : ({ tokens_used }: Row) => tokens_used
  const most = Math.max(...rows.map(measure))
  const inOrder = isSum ? rows.toSorted((left, right) => measure(right) - measure(left)) : rows
  const columns: Column[] = []
  if (!isSum) columns.push(['FROM', (row) => local(row.bucket)])
  if (by !== undefined) columns.push([by.toUpperCase(), ({ group }) => group ?? '-'])
  columns.push(
    ['TASKS', ({ tasks_completed }) => String(tasks_completed)],
    ['TOKENS', ({ tokens_used }) => String(tokens_used)],
    ['INPUT', ({ input_tokens }) => String(input_tokens)],
    ['OUTPUT', ({ output_tokens }) => String(output_tokens)],
    ['COST', ({ cost_incurred }) => cost_incurred],
    ['', (row) => '█'.repeat(most > 0 ? Math.round((measure(row) / most) * WIDTH) : 0)],
  )
  return toTable(
    columns.map(([header]) => header),
    inOrder.map((row) => columns.map(([, read]) => read(row))),
  ).join('\n')
}

/** One row for each group, over all buckets. */
function sumGroups(rows: readonly Row[]): Row[] {
  const sums = new Map<string | null, Row>()
  for (const row of rows) {
    const before = sums.get(row.group)
    sums.set(row.group, before ? add(before, row) : row)
  }
  return [...sums.values()]
}

function add(left: Row, right: Row): Row {
  return {
    ...left,
    tasks_completed: left.tasks_completed + right.tasks_completed,
    tokens_used: left.tokens_used + right.tokens_used,
    input_tokens: left.input_tokens + right.input_tokens,
    output_tokens: left.output_tokens + right.output_tokens,
    cost_incurred: addMoney(left.cost_incurred, right.cost_incurred),
  }
}

/** As in `2026-11-23 18:00`, in the time zone. */
function toLocal(time: string, timeZone: string): string {
  return new Date(time).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
}
