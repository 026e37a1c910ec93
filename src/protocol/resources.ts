import * as v from 'valibot'
import { issueStatuses } from '#src/domain/issue.ts'
import { DEFAULT_AGENT_LIMIT, MAX_AGENT_LIMIT } from '#src/domain/spawn.ts'
import { toOpaqueString } from '#src/domain/text.ts'
import {
  count,
  field,
  isoTime,
  jsonObject,
  label,
  queryNumber,
  slug,
  text,
  uuid,
  wholeNumber,
} from './values.ts'

const created = { created_at: isoTime, updated_at: isoTime }

export const pageQuery = v.object({
  page: v.optional(
    v.pipe(
      queryNumber({ min: 1, max: 1_000_000_000 }),
      v.description('A numbered page, with totals; 1 without page and cursor'),
    ),
  ),
  limit: v.optional(queryNumber({ min: 1, max: 100 }), '20'),
  cursor: v.optional(
    v.pipe(
      text(2048),
      v.description(
        'In place of page: empty at first, then next_cursor of the previous answer. Each item that exists and matches during the whole walk comes exactly once. Valid for a day, with the same filter',
      ),
    ),
  ),
})

export const pagination = v.object({
  total: count,
  page: count,
  page_size: field(count, 'The number of items on this page'),
  total_pages: count,
  has_next: v.boolean(),
  has_prev: v.boolean(),
})

/** The answer of a list to `page`. */
export function pageOf<Item extends v.GenericSchema>(item: Item) {
  return v.object({ data: v.array(item), pagination })
}

/** The answer of a list to `cursor`. */
export function stepOf<Item extends v.GenericSchema>(item: Item) {
  return v.object({ data: v.array(item), next_cursor: field(v.nullable(v.string()), 'Null at the end') })
}

export function listOf<Item extends v.GenericSchema>(item: Item) {
  return v.union([pageOf(item), stepOf(item)])
}

export const email = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.normalize('NFC'),
  v.maxLength(320, 'Must have at most 320 characters'),
  // Not v.email: `admin@localhost` is one.
  v.regex(/^[^\s@]+@[^\s@]+$/, 'Must be an e-mail address'),
)
const password = v.pipe(
  v.string(),
  v.transform(toOpaqueString),
  v.minLength(8, 'Must have at least 8 characters'),
  v.maxLength(128, 'Must have at most 128 characters'),
)
const full_name = v.nullable(label(255))

export const loginBody = v.strictObject({ email, password: v.pipe(v.string(), v.maxLength(1024)) })
export const refreshBody = v.strictObject({ refresh_token: text(1024) })

export const user = v.object({
  id: uuid,
  email: v.string(),
  full_name: v.nullable(v.string()),
  is_active: v.boolean(),
  is_superuser: v.boolean(),
  ...created,
})
export const tokenPair = v.object({
  access_token: v.string(),
  refresh_token: v.string(),
  token_type: v.literal('bearer'),
  expires_in: field(count, 'Seconds until the access token ends'),
  user,
})
export const createUserBody = v.strictObject({
  email,
  password,
  full_name: v.optional(full_name, null),
  is_active: v.optional(v.boolean(), true),
  is_superuser: v.optional(v.boolean(), false),
})
export const updateUserBody = v.strictObject({
  email: v.optional(email),
  password: v.optional(password),
  full_name: v.optional(full_name),
  is_active: v.optional(v.boolean()),
  is_superuser: v.optional(v.boolean()),
})
export const updateMeBody = v.strictObject({
  full_name: v.optional(full_name),
  current_password: v.optional(v.pipe(v.string(), v.maxLength(1024))),
  password: v.optional(password),
})

const description = v.nullable(text(10_000))

export const project = v.object({
  id: uuid,
  name: v.string(),
  slug: v.string(),
  description: v.nullable(v.string()),
  owner_id: uuid,
  agent_limit: field(count, 'Agents that are not terminated: one more is refused'),
  ...created,
})
const described = { name: label(255), slug, description: v.optional(description, null) }
const redescribed = {
  name: v.optional(label(255)),
  slug: v.optional(slug),
  description: v.optional(description),
}
const agent_limit = field(
  wholeNumber(1, MAX_AGENT_LIMIT),
  'Agents that may live at once; below the present number, no more are spawned',
)

export const createProjectBody = v.strictObject({
  ...described,
  agent_limit: v.optional(agent_limit, DEFAULT_AGENT_LIMIT),
})
export const updateProjectBody = v.strictObject({ ...redescribed, agent_limit: v.optional(agent_limit) })

const config = jsonObject(64 * 1024)

export const agentType = v.object({
  id: uuid,
  name: v.string(),
  slug: v.string(),
  description: v.nullable(v.string()),
  is_active: v.boolean(),
  config: v.record(v.string(), v.unknown()),
  ...created,
})
export const createAgentTypeBody = v.strictObject({
  ...described,
  is_active: v.optional(v.boolean(), true),
  config: v.optional(config, {}),
})
export const updateAgentTypeBody = v.strictObject({
  ...redescribed,
  is_active: v.optional(v.boolean()),
  config: v.optional(config),
})

const issueStatus = v.picklist(issueStatuses, `Must be one of ${issueStatuses.join(', ')}`)

export const issue = v.object({
  id: uuid,
  project_id: uuid,
  title: v.string(),
  description: v.nullable(v.string()),
  status: issueStatus,
  assigned_agent_id: v.nullable(uuid),
  ...created,
})
export const createIssueBody = v.strictObject({
  title: label(255),
  description: v.optional(description, null),
  status: v.optional(issueStatus, 'open'),
  assigned_agent_id: v.nullish(uuid, null),
})
export const updateIssueBody = v.strictObject({
  title: v.optional(label(255)),
  description: v.optional(description),
  status: v.optional(issueStatus),
  assigned_agent_id: v.optional(v.nullable(uuid)),
})
export const listIssuesQuery = v.object({ ...pageQuery.entries, status: v.optional(issueStatus) })

export const eventsQuery = v.object({
  after: v.optional(
    field(
      queryNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      'The seq of the last event that the reader has',
    ),
  ),
  epoch: v.optional(
    field(queryNumber({ min: 1, max: Number.MAX_SAFE_INTEGER }), 'The epoch that after belongs to'),
  ),
  limit: v.optional(queryNumber({ min: 1, max: 1_000 }), '100'),
})
export const eventStreamQuery = v.pick(eventsQuery, ['after', 'epoch'])

export const errors = v.object({
  success: v.literal(false),
  errors: v.array(
    v.object({
      code: field(v.string(), 'The kind of refusal, for programs'),
      message: field(v.string(), 'What is wrong, for people'),
      field: field(v.nullable(v.string()), 'The dotted path of the field that is wrong, if it is one'),
    }),
  ),
})
