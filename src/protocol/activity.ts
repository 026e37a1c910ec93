import * as v from 'valibot'
import { ACTIVITY_SECONDS, type ActivityBucket, type StatusCounts } from '#src/domain/activity.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { count, field, isoTime, queryNumber, queryTime } from './values.ts'

const DAY_SECONDS = 86_400

export const activityQuery = v.object({
  from: v.optional(field(queryTime, 'Inclusive; an hour before `to` if it is left out')),
  to: v.optional(field(queryTime, 'Exclusive; now if it is left out')),
  step: v.optional(
    field(
      v.pipe(
        queryNumber({ min: ACTIVITY_SECONDS, max: DAY_SECONDS }),
        v.multipleOf(ACTIVITY_SECONDS, `Must be a multiple of ${ACTIVITY_SECONDS}`),
      ),
      'How long each bucket is, in seconds',
    ),
    '10',
  ),
})

const statusCounts = v.object(
  Object.fromEntries(agentStatuses.map((status) => [status, count])) as Record<
    keyof StatusCounts,
    typeof count
  >,
)

const activityBucket: v.GenericSchema<unknown, ActivityBucket> = v.object({
  at: field(isoTime, 'When the bucket begins'),
  events: count,
  tasks_completed: count,
  tokens_used: count,
  cost_incurred: v.string(),
  by_status: field(statusCounts, "How many agents had each status at the bucket's end, or have it now"),
})

export const activityReport = v.object({
  data: v.array(activityBucket),
  from: field(isoTime, 'As asked, rounded down to a step'),
  to: field(isoTime, 'As asked, rounded up to a step'),
  step: field(count, 'Seconds'),
  since: field(isoTime, 'From when on the numbers are complete: later than `from` if the log begins later'),
})
