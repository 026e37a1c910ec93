import { accepts } from 'hono/accepts'
import pLimit from 'p-limit'
import { toCsv } from '#src/domain/csv.ts'
import { parseSelector } from '#src/domain/selector.ts'
import { toQuarters, usageColumns } from '#src/domain/usage.ts'
import { toUsageGroup, usageQuery, usageReport } from '#src/protocol/usage.ts'
import { readUsage } from '#src/store/usage.ts'
import { limits, MAX_USAGE_READS } from '../bounds.ts'
import { csvText } from '../raw-responses.ts'
import { defineRoute, type Route } from '../route.ts'

const CSV = 'text/csv'

export function usageRoutes(): Route[] {
  const limitReads = pLimit(MAX_USAGE_READS)
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/usage',
      operation_id: 'get_usage',
      summary: 'Add up the usage of a project, by time and by group',
      description:
        'Sums of what reports said, in hours, days or months of a time zone. Labels, selectors and types are those of now. Usage is stored in quarter-hours, so `from` is rounded down to one, and `to` up. More than 10,000 rows are a 422. `Accept: text/csv` gets CSV.',
      tag: 'Usage',
      limit: limits.read,
      access: 'read_metrics',
      query: usageQuery,
      success: {
        status: 200,
        schema: usageReport,
        description: 'A row for each bucket and group that used anything, oldest first',
        has_csv: true,
      },
      async handle({ context: { database, clock }, params: { project_id }, query, c }) {
        const { bucket, timezone, group_by, selector = '' } = query
        const quarters = toQuarters(query.from, query.to, clock())
        const question = {
          project_id,
          ...quarters,
          bucket,
          timezone,
          by: toUsageGroup(group_by),
          selector: parseSelector(selector),
        }
        const data = await limitReads(() => readUsage(database, question))
        c.header('Vary', 'Accept', { append: true })
        const type = accepts(c, {
          header: 'Accept',
          supports: ['application/json', CSV],
          default: 'application/json',
        })
        if (type !== CSV) return { data, ...quarters }
        return csvText(
          c,
          toCsv(
            usageColumns,
            data.map((row) => usageColumns.map((column) => row[column])),
          ),
        )
      },
    }),
  ]
}
