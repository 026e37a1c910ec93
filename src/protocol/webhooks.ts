import * as v from 'valibot'
import { eventNames } from '#src/domain/events.ts'
import { count, uuid } from './values.ts'

const MAX_URL = 2_000

/** What can be called, and shows no password to who may read it. */
function isPlainUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}

const url = v.pipe(
  v.string(),
  v.maxLength(MAX_URL, `Must have at most ${MAX_URL} characters`),
  v.check(isPlainUrl, 'Must be an http or https URL without credentials'),
)

const eventName = v.picklist(eventNames, `Must be one of ${eventNames.join(', ')}`)

/** Null, and none of them, mean all. */
const wantedEvents = v.nullable(
  v.pipe(
    v.array(eventName),
    v.maxLength(eventNames.length, `Must have at most ${eventNames.length} names`),
    v.transform((names) => (names.length === 0 ? null : [...new Set(names)])),
  ),
)

export const createWebhookBody = v.strictObject({ url, events: v.optional(wantedEvents, null) })

export const updateWebhookBody = v.strictObject({
  url: v.optional(url),
  events: v.optional(wantedEvents),
  is_active: v.optional(v.boolean()),
})

const time = v.pipe(v.string(), v.isoTimestamp())

const webhookEntries = {
  id: uuid,
  project_id: uuid,
  url: v.string(),
  events: v.nullable(v.array(v.picklist(eventNames))),
  is_active: v.boolean(),
  cursor: count,
  created_by: uuid,
  created_at: time,
  last_attempt_at: v.nullable(time),
  last_success_at: v.nullable(time),
  last_status: v.nullable(count),
  last_error: v.nullable(v.string()),
  failing_since: v.nullable(time),
  failures: count,
  next_attempt_at: time,
  disabled_at: v.nullable(time),
}

export const webhook = v.strictObject(webhookEntries)
/** Shown this once. */
export const createdWebhook = v.strictObject({ ...webhookEntries, secret: v.string() })
export const webhookSecret = v.strictObject({ secret: v.string(), old_secret_until: time })
