import * as v from 'valibot'
import { labelKeyRule } from '#src/domain/labels.ts'
import {
  buckets,
  MAX_MODELS,
  type tokenKinds,
  type UsageGroup,
  type UsageSum,
  usageGroups,
} from '#src/domain/usage.ts'
import { selectorQuery } from './selector.ts'
import { timeZone } from './time-zone.ts'
import { count, field, isoTime, money, queryTime, text } from './values.ts'

const MAX_NAME = 128

const tokens = (meaning: string) => v.optional(field(count, meaning))
const kinds = {
  input_tokens: tokens('Tokens that went into the model'),
  output_tokens: tokens('Tokens that came out of the model'),
  cache_read_input_tokens: tokens("Input tokens that came from the provider's cache"),
  cache_creation_input_tokens: tokens("Input tokens that went into the provider's cache"),
  reasoning_output_tokens: tokens('Output tokens that were spent on reasoning'),
} satisfies Record<(typeof tokenKinds)[number], v.GenericSchema>

const ofOneModel = v.strictObject({
  tasks_completed: v.optional(count),
  tokens_used: v.optional(field(count, 'Without it the sum of input_tokens and output_tokens')),
  cost_incurred: v.optional(money),
  ...kinds,
  model: v.optional(field(text(MAX_NAME), 'The model that used it')),
  provider: v.optional(field(text(MAX_NAME), 'Who runs the model')),
})
const ofModels = v.pipe(
  v.array(ofOneModel),
  v.maxLength(MAX_MODELS, `Must have at most ${MAX_MODELS} entries`),
)
const either = v.union([ofOneModel, ofModels])

/** One model's usage, or a list. Only the option that fits is tried, so that each mistake has its own field. */
export const reportedUsage: typeof either = {
  ...either,
  '~run'(dataset, config) {
    const option = Array.isArray(dataset.value) ? ofModels : ofOneModel
    return option['~run'](dataset, config) as ReturnType<(typeof either)['~run']>
  },
}

const LABEL = 'label:'
const groupRule = new RegExp(`^(${usageGroups.join('|')}|${LABEL}${labelKeyRule.source.slice(1, -1)})$`)

export const usageQuery = v.object({
  from: v.optional(field(queryTime, 'Inclusive; 24 hours before `to` if it is left out')),
  to: v.optional(field(queryTime, 'Exclusive; now if it is left out')),
  bucket: v.optional(
    field(v.picklist(buckets, `Must be one of ${buckets.join(', ')}`), 'How long each bucket of time is'),
    'hour',
  ),
  timezone: v.optional(
    field(timeZone, 'The name of the time zone whose hours, days and months count'),
    'UTC',
  ),
  group_by: v.optional(
    field(
      v.pipe(v.string(), v.regex(groupRule, `Must be one of ${usageGroups.join(', ')}, or ${LABEL}KEY`)),
      'What to tell apart in each bucket',
    ),
  ),
  selector: v.optional(selectorQuery),
})

/** What a `group_by` of the query asks for. */
export function toUsageGroup(text: string | undefined): UsageGroup | { label: string } | undefined {
  if (text?.startsWith(LABEL)) return { label: text.slice(LABEL.length) }
  return usageGroups.find((group) => group === text)
}

const usageSum: v.GenericSchema<unknown, UsageSum> = v.object({
  bucket: field(isoTime, 'When the bucket begins'),
  group: field(
    v.nullable(v.string()),
    "The agent's id, the slug of its type, the model, the provider or the label's value; null where there is none",
  ),
  tasks_completed: count,
  tokens_used: count,
  cost_incurred: v.string(),
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  reasoning_output_tokens: count,
})
export const usageReport = v.object({
  data: v.array(usageSum),
  from: field(isoTime, 'As asked, rounded down to a quarter-hour'),
  to: field(isoTime, 'As asked, rounded up to a quarter-hour'),
})
