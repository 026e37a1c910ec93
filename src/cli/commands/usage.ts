import type { Command } from 'commander'
import { toCsv } from '#src/domain/csv.ts'
import { buckets, usageColumns, usageGroups } from '#src/domain/usage.ts'
import { choice, define, duration, flag, text } from '../command.ts'
import { selecting } from '../labels.ts'
import { resolveProject } from '../resolve.ts'
import { toUsageText } from '../usage-text.ts'
import { inProject } from './agents.ts'

const DAY_SECONDS = 24 * 60 * 60

export function addUsage(program: Command): void {
  define(program, {
    usage: 'usage',
    summary: 'Add up what the agents of a project have used',
    examples: [
      'usage --by model --since 7d',
      'usage --bucket day --since 30d -l team=search',
      'usage --by label:team --since 31d --csv > usage.csv',
    ],
    options: {
      ...selecting,
      by: text('--by <group>', `tell apart by ${usageGroups.join(', ')} or label:KEY`),
      since: duration('--since <time>', 'how far back, such as 7d (default: 24h)'),
      bucket: choice(
        '--bucket <bucket>',
        'a line for each (default: only without --by, hour or day)',
        buckets,
      ),
      timezone: text('--timezone <name>', 'such as Europe/Berlin (default: the zone of this machine)'),
      csv: flag('--csv', 'all numbers, as comma-separated values'),
      ...inProject,
    },
    async run({ api, print, isJson }, { options }) {
      const { by, since = DAY_SECONDS, csv, selector, project } = options
      const project_id = await resolveProject(api, project)
      const timezone = options.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
      const steps = since > 2 * DAY_SECONDS ? 'day' : 'hour'
      const bucket = options.bucket ?? (by === undefined || csv ? steps : undefined)
      const usage = await api.usage.get(project_id, {
        from: new Date(Date.now() - since * 1_000).toISOString(),
        bucket: bucket ?? 'month',
        timezone,
        group_by: by,
        selector,
      })
      if (csv && !isJson) {
        process.stdout.write(
          toCsv(
            usageColumns,
            usage.data.map((row) => usageColumns.map((column) => row[column])),
          ),
        )
      } else print(usage, () => toUsageText(usage, { by, bucket, timezone }))
    },
  })
}
