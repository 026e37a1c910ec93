import * as v from 'valibot'
import { issueStatuses } from '#src/domain/issue.ts'
import { count, jsonObject, label, queryNumber, slug, text, uuid } from './values.ts'

const time = v.pipe(v.string(), v.isoTimestamp())
const created = { created_at: time, updated_at: time }

export const pageQuery = v.object({
  page: v.optional(queryNumber({ min: 1, max: 1_000_000_000 }), '1'),
  limit: v.optional(queryNumber({ min: 1, max: 100 }), '20'),
})

export const pagination = v.object({
  total: count,
  page: count,
  page_size: count,
  total_pages: count,
  has_next: v.boolean(),
  has_prev: v.boolean(),
})

/** The body of every list. */
export function pageOf<Item extends v.GenericSchema>(item: Item) {
  return v.object({ data: v.array(item), pagination })
}

const email = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.maxLength(320, 'Must have at most 320 characters'),
  // Not v.email: `admin@localhost` is one.
  v.regex(/^[^\s@]+@[^\s@]+$/, 'Must be an e-mail address'),
)
const password = v.pipe(
  v.string(),
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
  expires_in: count,
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
  ...created,
})
export const createProjectBody = v.strictObject({
  name: label(255),
  slug,
  description: v.optional(description, null),
})
export const updateProjectBody = v.strictObject({
  name: v.optional(label(255)),
  slug: v.optional(slug),
  description: v.optional(description),
})

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
  ...createProjectBody.entries,
  is_active: v.optional(v.boolean(), true),
  config: v.optional(config, {}),
})
export const updateAgentTypeBody = v.strictObject({
  ...updateProjectBody.entries,
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
  after: v.optional(queryNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  epoch: v.optional(queryNumber({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  limit: v.optional(queryNumber({ min: 1, max: 1_000 }), '100'),
})
export const eventStreamQuery = v.pick(eventsQuery, ['after', 'epoch'])

export const errors = v.object({
  success: v.literal(false),
  errors: v.array(v.object({ code: v.string(), message: v.string(), field: v.nullable(v.string()) })),
})
