import * as v from 'valibot'
import { budget } from '../budgets.ts'
import * as examples from '../examples.ts'
import { hold } from '../holds.ts'
import { count, field, uuid, wholeNumber } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const subscribed = frame(
  'subscribed',
  "Says where the project's log ends, and whether events resume from where the reader was.",
  {
    id: replyId,
    project_id: uuid,
    seq: field(count, 'The number of the newest event'),
    epoch: field(wholeNumber(1), 'Another epoch counts another history'),
    resumed: field(v.boolean(), 'False: one or more snapshots come first'),
    reason: v.optional(
      field(v.picklist(['expired', 'unknown']), 'Why `after` could not be used: pruned, or not in this log'),
    ),
    holds: field(v.array(hold), 'The holds that stand, oldest first'),
    budgets: field(v.array(budget), 'All budgets of the project, oldest first'),
  },
  {
    id: '2',
    project_id: examples.ids.project,
    seq: 42,
    epoch: 1,
    resumed: true,
    holds: [examples.hold],
    budgets: [examples.budget],
  },
)
