import * as v from 'valibot'
import type { Form } from '#src/domain/forms.ts'
import {
  type AgentRequest,
  optionKinds,
  type RequestSummary,
  requestCauses,
  requestStates,
} from '#src/domain/request.ts'
import { actor } from './agents.ts'
import { responseSchema } from './forms.ts'
import { pageQuery } from './resources.ts'
import { field, isObject, isoTime, jsonObject, plainObject, text, time, uuid } from './values.ts'

const MAX_OPTIONS = 8
const MAX_TOOL_CALL_BYTES = 16 * 1024
const MAX_METADATA_BYTES = 4 * 1024
const MAX_PAYLOAD_BYTES = 16 * 1024

const filled = (max: number) => v.pipe(text(max), v.minLength(1, 'Must not be empty'))

export const request_id = field(filled(128), 'Chosen by the runtime, unique for its agent')

const reason = v.pipe(
  v.string(),
  v.regex(
    /^(?:tool_call|input_required|confirmation|[a-z0-9_.-]{1,64}:[a-z0-9_.-]{1,64})$/,
    'Must be tool_call, input_required, confirmation or NAMESPACE:NAME',
  ),
)

type ToolCall = NonNullable<AgentRequest['tool_call']>

const toolCall = v.pipe(
  v.strictObject({
    id: text(255),
    name: text(255),
    arguments: v.custom<ToolCall['arguments']>(isObject, 'Must be an object'),
  }),
  plainObject<ToolCall>(MAX_TOOL_CALL_BYTES),
)

const option = v.strictObject({
  id: filled(64),
  label: filled(100),
  kind: v.picklist(optionKinds, `Must be one of ${optionKinds.join(', ')}`),
})

/** No options and an empty list are the same. */
const options = v.pipe(
  v.array(option),
  v.maxLength(MAX_OPTIONS, `Must have at most ${MAX_OPTIONS} items`),
  v.check((list) => new Set(list.map(({ id }) => id)).size === list.length, 'Must have different ids'),
  v.transform((list) => (list.length > 0 ? list : null)),
)

/** What a runtime asks. */
export const question = {
  request_id,
  reason: field(reason, 'Why it asks: `tool_call`, `input_required`, `confirmation` or `NAMESPACE:NAME`'),
  message: field(filled(4_000), 'Shown to people as plain text'),
  tool_call: v.nullish(field(toolCall, 'What the agent wants to do; at most 16 KiB'), null),
  options: v.nullish(field(options, 'What people can choose from, with different ids'), null),
  response_schema: v.nullish(responseSchema, null),
  expires_at: v.nullish(
    field(time, 'At most 30 days ahead; without it the request waits until it is answered'),
    null,
  ),
  metadata: v.nullish(
    field(jsonObject(MAX_METADATA_BYTES), 'For the runtime and REST; at most 4 KiB, not in events'),
    null,
  ),
}

const answers = ['resolved', 'cancelled'] as const

export const answerBody = v.strictObject({
  status: v.picklist(answers, `Must be one of ${answers.join(', ')}`),
  option: v.nullish(field(text(64), 'The id of an option, where the request has options'), null),
  payload: v.nullish(
    field(jsonObject(MAX_PAYLOAD_BYTES), 'What the form asks for; without a form, anything'),
    null,
  ),
  note: v.nullish(field(text(2_000), 'For the runtime'), null),
})

const state = v.picklist(requestStates)
const nullableTime = v.nullable(isoTime)
const record = v.record(v.string(), v.unknown())

/** The Request as events carry it. */
export const requestSummary = v.strictObject({
  id: uuid,
  request_id: field(v.string(), "The runtime's own id"),
  project_id: uuid,
  agent_id: uuid,
  agent_name: v.string(),
  reason: v.string(),
  message: field(v.string(), 'Plain text'),
  tool_call: field(
    v.nullable(v.object({ id: v.string(), name: v.string(), arguments: record })),
    'What the agent wants to do',
  ),
  options: field(v.nullable(v.array(option)), 'What can be chosen'),
  response_schema: field(
    v.nullable(
      v.looseObject({
        properties: v.custom<Form['properties']>(isObject),
        required: v.optional(v.array(v.string())),
      }),
    ),
    'The JSON Schema of a flat form: what `payload` must be',
  ),
  expires_at: field(nullableTime, 'Until when it can be answered'),
  state,
  cause: field(v.nullable(v.picklist(requestCauses)), 'How it ended'),
  option: field(v.nullable(v.string()), 'The id of the chosen option'),
  payload: field(v.nullable(record), 'The answer'),
  note: v.nullable(v.string()),
  answered_by: v.nullable(actor),
  created_at: isoTime,
  ended_at: nullableTime,
  delivered_at: field(nullableTime, 'When its runtime was sent how it ended'),
  acknowledged_at: field(nullableTime, 'When its runtime confirmed that'),
}) satisfies v.GenericSchema<RequestSummary>

export const request = v.strictObject({
  ...requestSummary.entries,
  metadata: field(v.nullable(record), "The runtime's own notes"),
}) satisfies v.GenericSchema<AgentRequest>

/** An open request in a list that would be too long with all of each. */
export const shortRequest = v.strictObject({
  id: uuid,
  request_id: v.string(),
  state,
  expires_at: nullableTime,
})

/** An entry of the inbox. */
export const inboxRequest = v.strictObject({
  ...request.entries,
  project_name: v.string(),
  can_answer: field(v.boolean(), 'Whether the caller may answer it'),
})

const listedStates = [...requestStates, 'all'] as const

export const listRequestsQuery = v.object({
  ...pageQuery.entries,
  state: v.optional(
    field(
      v.picklist(listedStates, `Must be one of ${listedStates.join(', ')}`),
      'The open ones come oldest first, then the ended ones, newest first',
    ),
    'open',
  ),
  agent_id: v.optional(uuid),
  reason: v.optional(reason),
})
