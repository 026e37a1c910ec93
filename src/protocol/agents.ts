import * as v from 'valibot'
import { actionNames } from '#src/domain/actions.ts'
import { controlKinds, controlStates } from '#src/domain/agent.ts'
import { actorKinds } from '#src/domain/events.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { count, jsonObject, label, money, queryNumber, text, time, uuid, wholeNumber } from './values.ts'

const status = v.picklist(agentStatuses, `Must be one of ${agentStatuses.join(', ')}`)
const spawnStatuses = agentStatuses.filter((name) => name !== 'terminated')

export const memory = jsonObject(64 * 1024)
export const current_task = text(32_768)
const long_term_memory_ref = text(500)
export const session_id = text(255)

export const spawnBody = v.strictObject({
  agent_type_id: uuid,
  name: label(255),
  project_id: v.optional(uuid),
  status: v.optional(v.picklist(spawnStatuses, `Must be one of ${spawnStatuses.join(', ')}`), 'idle'),
  current_task: v.nullish(current_task, null),
  short_term_memory: v.optional(memory, {}),
  long_term_memory_ref: v.nullish(long_term_memory_ref, null),
  session_id: v.nullish(session_id, null),
  token_limit: v.nullish(count, null),
  cost_limit: v.nullish(money, null),
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
})

const MAX_PAUSE_SECONDS = 30 * 24 * 60 * 60
const reason = v.nullish(text(500))
const resume_after = v.nullish(wholeNumber(1, MAX_PAUSE_SECONDS))

export const pauseBody = v.strictObject({ reason, resume_after })
export const resumeBody = v.strictObject({ reason })
export const terminateBody = v.strictObject({ reason })

const MAX_BULK = 1_000

/** Exactly one of `ids` and `all` says which agents; `status` leaves out those that are in another one. */
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
    all: v.optional(v.literal(true, 'Must be true')),
    status: v.optional(status),
    reason,
    resume_after,
  }),
  v.forward(
    v.check(({ ids, all }) => (ids === undefined) !== (all === undefined), 'Give exactly one of ids and all'),
    ['ids'],
  ),
  v.forward(
    v.check(
      ({ action, resume_after }) => action === 'pause' || resume_after == null,
      'Only a pause can have an end',
    ),
    ['resume_after'],
  ),
)

export const bulkResult = v.strictObject({
  success: v.literal(true),
  message: v.string(),
  affected_count: count,
  skipped: v.array(v.object({ id: uuid, message: v.string() })),
})

export const listAgentsQuery = v.object({
  page: v.optional(queryNumber({ min: 1, max: 1_000_000_000 }), '1'),
  limit: v.optional(queryNumber({ min: 1, max: 100 }), '20'),
  status: v.optional(status),
  agent_type_id: v.optional(uuid),
  q: v.optional(text(255)),
})

const timeOut = v.pipe(v.string(), v.isoTimestamp())
const nullableTime = v.nullable(timeOut)
const moneyOut = v.pipe(v.string(), v.regex(/^\d+\.\d{4}$/))

export const actor = v.object({ kind: v.picklist(actorKinds), id: v.nullable(uuid) })

export const control = v.object({
  signal_id: uuid,
  kind: v.picklist(controlKinds),
  state: v.picklist(controlStates),
  reason: v.nullable(v.string()),
  requested_by: actor,
  requested_at: timeOut,
  acknowledged_at: nullableTime,
  resume_at: nullableTime,
})

/** The Agent as events and snapshots carry it. */
export const agentSummary = v.strictObject({
  id: uuid,
  agent_type_id: uuid,
  project_id: uuid,
  name: v.string(),
  status,
  current_task: v.nullable(v.string()),
  long_term_memory_ref: v.nullable(v.string()),
  session_id: v.nullable(v.string()),
  last_activity_at: nullableTime,
  terminated_at: nullableTime,
  tasks_completed: count,
  tokens_used: count,
  cost_incurred: moneyOut,
  created_at: timeOut,
  updated_at: timeOut,
  agent_type_name: v.string(),
  agent_type_slug: v.string(),
  project_name: v.string(),
  project_slug: v.string(),
  assigned_issues_count: count,
  runtime: v.object({ connected: v.boolean(), since: nullableTime }),
  control: v.nullable(control),
  pending_signals: count,
  token_limit: v.nullable(count),
  cost_limit: v.nullable(moneyOut),
  seq: count,
})

export const agent = v.strictObject({
  ...agentSummary.entries,
  short_term_memory: v.record(v.string(), v.unknown()),
})

export const agentMetrics = v.strictObject({
  total_instances: count,
  active_instances: count,
  idle_instances: count,
  total_tasks_completed: count,
  total_tokens_used: count,
  total_cost_incurred: moneyOut,
  by_status: v.record(status, count),
  connected_instances: count,
})

export const message = v.object({ success: v.boolean(), message: v.string() })
