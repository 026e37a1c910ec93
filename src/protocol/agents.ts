import * as v from 'valibot'
import {
  type ActionName,
  actionNames,
  actionRow,
  actions,
  modes as allModes,
  type Mode,
} from '#src/domain/actions.ts'
import { actorKinds } from '#src/domain/actor.ts'
import type { Agent, AgentSummary } from '#src/domain/agent.ts'
import { causeKinds, controlStates } from '#src/domain/control.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { controlKinds } from '#src/domain/signal.ts'
import { labelPatch, labels } from './labels.ts'
import { pageQuery } from './resources.ts'
import { selector, selectorQuery } from './selector.ts'
import {
  count,
  field,
  isoTime,
  jsonObject,
  label,
  money,
  queryFlag,
  searchText,
  text,
  time,
  uuid,
  wholeNumber,
} from './values.ts'

const status = v.picklist(agentStatuses, `Must be one of ${agentStatuses.join(', ')}`)
const spawnStatuses = agentStatuses.filter((name) => name !== 'terminated')

export const memory = jsonObject(64 * 1024)
export const current_task = text(32_768)
const long_term_memory_ref = text(500)
export const session_id = text(255)
export const external_id = v.pipe(text(255), v.minLength(1, 'Must not be empty'))

export const spawnBody = v.strictObject({
  agent_type_id: uuid,
  name: label(255),
  project_id: v.optional(field(uuid, 'If it is given, the same as in the path')),
  status: v.optional(v.picklist(spawnStatuses, `Must be one of ${spawnStatuses.join(', ')}`), 'idle'),
  current_task: v.nullish(current_task, null),
  short_term_memory: v.optional(memory, {}),
  long_term_memory_ref: v.nullish(long_term_memory_ref, null),
  session_id: v.nullish(session_id, null),
  token_limit: v.nullish(count, null),
  cost_limit: v.nullish(money, null),
  labels: v.optional(labels, {}),
  external_id: v.nullish(
    field(external_id, "The agent's name in its own world; no other live agent of the project has it"),
    null,
  ),
  parent_id: v.nullish(
    field(uuid, 'The live agent of the same project that starts this one; a tree has at most 16 levels'),
    null,
  ),
})

export const updateBody = v.strictObject({
  status: v.optional(status),
  current_task: v.optional(v.nullable(current_task)),
  short_term_memory: v.optional(memory),
  long_term_memory_ref: v.optional(v.nullable(long_term_memory_ref)),
  session_id: v.optional(v.nullable(session_id)),
  last_activity_at: v.optional(v.nullable(time)),
  tasks_completed: v.optional(count),
  tokens_used: v.optional(count),
  cost_incurred: v.optional(money),
  token_limit: v.optional(v.nullable(count)),
  cost_limit: v.optional(v.nullable(money)),
  labels: v.optional(field(labelPatch, 'Merged into the labels; null removes one')),
  external_id: v.optional(field(v.nullable(external_id), 'Null releases the name')),
})

const MAX_PAUSE_SECONDS = 30 * 24 * 60 * 60
const reason = v.nullish(field(text(500), 'Operators and the runtime see it'))
const resume_after = v.nullish(
  field(wholeNumber(1, MAX_PAUSE_SECONDS), 'Seconds after which the agent resumes by itself'),
)

const oneOf = (modes: readonly Mode[]) =>
  v.nullish(
    field(
      v.picklist(modes, `Must be one of ${modes.join(', ')}`),
      'How soon to obey; without it checkpoint or graceful',
    ),
  )

const FOLLOWED = 'Whether the descendants follow; they do without it'
const cascade = v.optional(field(v.boolean(), FOLLOWED))

export const pauseBody = v.strictObject({
  reason,
  resume_after,
  mode: oneOf(actions.pause.modes),
  cascade,
})
export const resumeBody = v.strictObject({ reason, cascade })
export const terminateBody = v.strictObject({ reason })
/** A DELETE takes the rest in its query. */
export const terminateQuery = v.object({
  mode: oneOf(actions.terminate.modes),
  cascade: v.optional(field(queryFlag, FOLLOWED)),
})

/** The body of each action on one agent. */
export const actionBodies = {
  pause: pauseBody,
  resume: resumeBody,
  terminate: terminateBody,
} as const satisfies Record<ActionName, v.GenericSchema>

const timedActions = actionNames.filter((name) => actionRow(name).has_timer)

const MAX_BULK = 1_000

/** Exactly one of `ids` and `all` names the agents. */
export const bulkBody = v.pipe(
  v.strictObject({
    action: v.picklist(actionNames, `Must be one of ${actionNames.join(', ')}`),
    ids: v.optional(
      v.pipe(
        v.array(uuid),
        v.minLength(1, 'Must not be empty'),
        v.maxLength(MAX_BULK, `Must have at most ${MAX_BULK} items`),
      ),
    ),
    all: v.optional(field(v.literal(true, 'Must be true'), 'Every agent that is not terminated')),
    status: v.optional(field(status, 'Skips agents in another status')),
    selector: v.nullish(selector),
    reason,
    resume_after,
    mode: oneOf(allModes),
    cascade,
    again: v.optional(
      field(
        v.boolean(),
        'Sends the order again to agents whose runtime has not obeyed it yet; skips them without it',
      ),
    ),
  }),
  v.forward(
    v.check(({ ids, all }) => (ids === undefined) !== (all === undefined), 'Give exactly one of ids and all'),
    ['ids'],
  ),
  v.forward(
    v.check(({ ids, selector }) => ids === undefined || selector == null, 'Goes with all, not with ids'),
    ['selector'],
  ),
  v.forward(
    v.check(
      ({ action, resume_after }) => resume_after == null || timedActions.includes(action),
      `Only ${timedActions.join(', ')} takes resume_after`,
    ),
    ['resume_after'],
  ),
  v.forward(
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || dataset.value.mode == null) return
      const { action, mode } = dataset.value
      const { modes } = actionRow(action)
      if (modes.includes(mode)) return
      addIssue({
        message: modes.length > 0 ? `Must be one of ${modes.join(', ')}` : `${action} takes no mode`,
      })
    }),
    ['mode'],
  ),
)

export const bulkResult = v.strictObject({
  success: v.literal(true),
  message: v.string(),
  affected_count: count,
  skipped: v.array(v.object({ id: uuid, message: v.string() })),
})

export const listAgentsQuery = v.object({
  ...pageQuery.entries,
  status: v.optional(status),
  agent_type_id: v.optional(uuid),
  q: v.optional(field(searchText(255), 'Part of the name, in either case')),
  selector: v.optional(selectorQuery),
  parent_id: v.optional(field(uuid, 'Only the children of this agent')),
})

export const agentMetricsQuery = v.object({
  tree: v.optional(field(queryFlag, 'Adds the descendants of the agent, ended ones too')),
})

export const projectMetricsQuery = v.object({ selector: v.optional(selectorQuery) })

const nullableTime = v.nullable(isoTime)
const moneyOut = v.pipe(v.string(), v.regex(/^\d+\.\d{4}$/))

/** Who caused a change. */
export const actor = v.object({
  kind: v.picklist(actorKinds),
  id: field(v.nullable(uuid), 'Null for the system itself'),
})

/** Why an agent got its newest control signal. */
export const cause = v.object({
  kind: field(
    v.picklist(causeKinds),
    '`order`: a person or a key asked for it; `runtime`: the runtime did it unasked',
  ),
  id: field(v.nullable(uuid), 'The parent agent, hold or budget; null otherwise'),
})

/** The newest control signal of an agent, and how far it has come. */
export const control = v.object({
  signal_id: uuid,
  kind: v.picklist(controlKinds),
  state: field(v.picklist(controlStates), '`done` only when the runtime has acknowledged it'),
  reason: v.nullable(v.string()),
  requested_by: actor,
  requested_at: isoTime,
  acknowledged_at: nullableTime,
  resume_at: field(nullableTime, 'When a pause ends by itself'),
  mode: field(v.nullable(v.picklist(allModes)), 'How soon the runtime is to obey; null for a resume'),
  cause,
})

/** The Agent as events and snapshots carry it. */
export const agentSummary = v.strictObject({
  id: uuid,
  agent_type_id: uuid,
  project_id: uuid,
  name: v.string(),
  status: field(status, 'What the agent should be; `control` says whether its runtime has obeyed'),
  current_task: v.nullable(v.string()),
  long_term_memory_ref: field(v.nullable(v.string()), 'Where the runtime keeps the long-term memory'),
  session_id: field(v.nullable(v.string()), "The runtime's own name for its run"),
  last_activity_at: field(nullableTime, 'The last change of status or report'),
  terminated_at: nullableTime,
  tasks_completed: count,
  tokens_used: count,
  cost_incurred: moneyOut,
  created_at: isoTime,
  updated_at: isoTime,
  agent_type_name: v.string(),
  agent_type_slug: v.string(),
  project_name: v.string(),
  project_slug: v.string(),
  assigned_issues_count: field(count, 'Assigned issues that are not closed'),
  runtime: field(
    v.object({
      connected: v.boolean(),
      since: nullableTime,
      capabilities: v.array(v.string()),
      client: v.nullable(v.string()),
    }),
    'Whether a runtime is attached, and since when; what the newest one can do, and what program it is',
  ),
  control: field(v.nullable(control), 'The newest control signal; null before the first'),
  pending_signals: field(count, 'Signals that the runtime has not acknowledged'),
  token_limit: field(v.nullable(count), 'The agent is paused when `tokens_used` reaches it'),
  cost_limit: field(v.nullable(moneyOut), 'The agent is paused when `cost_incurred` reaches it'),
  labels: field(v.record(v.string(), v.string()), 'What agents are grouped by'),
  external_id: field(
    v.nullable(v.string()),
    "The agent's name in its own world; unique among the live agents of a project",
  ),
  parent_id: field(v.nullable(uuid), 'The agent that started this one'),
  open_requests: field(count, 'Requests that wait for an answer'),
  holds: field(v.array(uuid), 'Active holds that apply to the agent, oldest first'),
  seq: field(count, "The number of the agent's newest event"),
}) satisfies v.GenericSchema<AgentSummary>

export const agent = v.strictObject({
  ...agentSummary.entries,
  short_term_memory: field(v.record(v.string(), v.unknown()), 'What the runtime keeps for the agent'),
}) satisfies v.GenericSchema<Agent>

/** A sum of counts. Beyond 2^53 it is the nearest double, as any JSON number is to most readers. */
const sum = v.pipe(v.number(), v.integer(), v.minValue(0))

export const agentMetrics = v.strictObject({
  total_instances: count,
  active_instances: field(count, 'Agents that are `working`'),
  idle_instances: count,
  total_tasks_completed: sum,
  total_tokens_used: sum,
  total_cost_incurred: moneyOut,
  by_status: v.record(status, count),
  connected_instances: field(count, 'Agents with an attached runtime'),
})

export const message = v.object({ success: v.boolean(), message: v.string() })

/** What was done to how many. */
export const countedResult = v.strictObject({
  success: v.literal(true),
  message: v.string(),
  affected_count: count,
})
