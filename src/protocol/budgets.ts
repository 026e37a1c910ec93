import * as v from 'valibot'
import { actions } from '#src/domain/actions.ts'
import {
  budgetActions,
  budgetMetrics,
  budgetStates,
  budgetWindows,
  type ProjectBudget,
} from '#src/domain/project-budget.ts'
import { DEFAULT_WARN_AT, isFraction, MAX_FRACTIONS } from '#src/domain/spending.ts'
import { actor } from './agents.ts'
import { selector } from './selector.ts'
import { timeZone } from './time-zone.ts'
import { count, field, isoTime, label, uuid } from './values.ts'

const amount = v.union([v.string(), count])

export const budget = v.strictObject({
  id: uuid,
  project_id: uuid,
  name: v.string(),
  metric: v.picklist(budgetMetrics),
  limit: field(amount, 'A decimal string for cost, a number of tokens otherwise'),
  spent: field(amount, 'What was used in this window, in the form of `limit`'),
  window: field(v.picklist(budgetWindows), 'How often what was used counts from zero again'),
  timezone: field(v.string(), 'Whose calendar the windows follow'),
  selector: field(v.nullable(v.string()), 'Null: agents with any labels'),
  agent_type_id: field(v.nullable(uuid), 'Null: agents of any type'),
  agent_id: field(v.nullable(uuid), 'This agent with all its descendants'),
  warn_at: field(v.array(v.number()), 'Fractions of the limit'),
  action: field(v.picklist(budgetActions), 'What happens at the limit'),
  mode: field(v.picklist(actions.pause.modes), 'How soon the runtimes are to obey'),
  starts_at: field(isoTime, 'When this window began'),
  resets_at: field(v.nullable(isoTime), 'When the next one begins; null without a window'),
  state: v.picklist(budgetStates),
  hold_id: field(v.nullable(uuid), 'The hold that it has placed'),
  created_by: actor,
  created_at: isoTime,
}) satisfies v.GenericSchema<unknown, ProjectBudget>

const MAX_NAME = 255

const oneOf = <const Options extends readonly [string, ...string[]]>(options: Options) =>
  v.picklist(options, `Must be one of ${options.join(', ')}`)

const limit = field(
  v.union([v.string(), v.number()], 'Must be a decimal string or a number'),
  'What may be spent in a window: an amount for cost, a whole number for tokens',
)

const warn_at = field(
  v.pipe(
    v.array(
      v.pipe(
        v.number(),
        v.check(isFraction, 'Must be more than 0 and at most 1, with at most four decimal places'),
      ),
    ),
    v.maxLength(MAX_FRACTIONS, `Must have at most ${MAX_FRACTIONS} fractions`),
    v.check((list) => new Set(list).size === list.length, 'Must have different fractions'),
  ),
  'The fractions of the limit at which the project gets a warning',
)

const action = field(oneOf(budgetActions), 'What happens at the limit, beside the event')
const mode = field(oneOf(actions.pause.modes), 'How a hold pauses')

export const createBudgetBody = v.pipe(
  v.strictObject({
    name: label(MAX_NAME),
    metric: field(oneOf(budgetMetrics), 'What is counted'),
    limit,
    window: field(oneOf(budgetWindows), 'How often it begins again'),
    timezone: v.nullish(field(timeZone, 'Whose hours, days, weeks and months they are'), 'UTC'),
    selector: v.nullish(selector, null),
    agent_type_id: v.nullish(field(uuid, 'Only agents of this type'), null),
    agent_id: v.nullish(field(uuid, 'Only this agent and all its descendants'), null),
    warn_at: v.nullish(warn_at, [...DEFAULT_WARN_AT]),
    action: v.nullish(action, 'hold'),
    mode: v.nullish(mode, 'checkpoint'),
  }),
  v.forward(
    v.partialCheck(
      [['agent_id'], ['selector'], ['agent_type_id']],
      ({ agent_id, selector, agent_type_id }) =>
        agent_id === null || (selector === null && agent_type_id === null),
      'Excludes selector and agent_type_id',
    ),
    ['agent_id'],
  ),
)

export const updateBudgetBody = v.strictObject({
  name: v.optional(label(MAX_NAME)),
  limit: v.optional(limit),
  warn_at: v.optional(warn_at),
  action: v.optional(action),
  mode: v.optional(mode),
})

/** A past window of a budget. */
export const budgetWindow = v.strictObject({
  starts_at: isoTime,
  ends_at: isoTime,
  spent: field(amount, 'An amount for cost, a number for tokens'),
  limit: field(amount, 'As it was at the end of the window'),
  exceeded_at: field(v.nullable(isoTime), 'When the limit was reached; null: it was not'),
})
