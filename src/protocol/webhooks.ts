import * as v from 'valibot'
import { eventNames } from '#src/domain/events.ts'
import { webhookFormats } from '#src/domain/webhook.ts'
import { selector } from './selector.ts'
import { count, field, isoTime, uuid } from './values.ts'

const MAX_URL = 2_000

/** Whether the server can call it, and it shows no password to its readers. */
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

/** Null and an empty list mean all events. */
const wantedEvents = v.nullable(
  v.pipe(
    v.array(eventName),
    v.maxLength(eventNames.length, `Must have at most ${eventNames.length} names`),
    v.transform((names) => (names.length === 0 ? null : [...new Set(names)])),
  ),
)

const format = field(
  v.picklist(webhookFormats, `Must be one of ${webhookFormats.join(', ')}`),
  'What the requests look like: our own, messages for Slack, or batches of CloudEvents',
)

export const createWebhookBody = v.strictObject({
  url,
  events: v.optional(wantedEvents, null),
  selector: v.nullish(selector, null),
  format: v.optional(format, 'signalbox'),
})

export const updateWebhookBody = v.strictObject({
  url: v.optional(url),
  events: v.optional(wantedEvents),
  selector: v.optional(v.nullable(selector)),
  format: v.optional(format),
  is_active: v.optional(v.boolean()),
})

const webhookEntries = {
  id: uuid,
  project_id: uuid,
  url: v.string(),
  events: field(v.nullable(v.array(v.picklist(eventNames))), 'Null: all of them'),
  selector: field(
    v.nullable(v.string()),
    'Only events of agents that match after them; null: those of all agents, and of the project itself',
  ),
  format,
  is_active: v.boolean(),
  cursor: field(count, 'The number of the last event that was delivered or not asked for'),
  created_by: uuid,
  created_at: isoTime,
  last_attempt_at: v.nullable(isoTime),
  last_success_at: v.nullable(isoTime),
  last_status: field(v.nullable(count), 'The HTTP status of the last answer'),
  last_error: v.nullable(v.string()),
  failing_since: field(v.nullable(isoTime), 'Every attempt since then has failed'),
  failures: field(count, 'Failures in a row'),
  next_attempt_at: isoTime,
  disabled_at: field(v.nullable(isoTime), 'When the server gave up on it'),
}

export const webhook = v.strictObject(webhookEntries)
/** The only answer with the secret. */
export const createdWebhook = v.strictObject({ ...webhookEntries, secret: v.string() })
export const webhookSecret = v.strictObject({
  secret: v.string(),
  old_secret_until: field(isoTime, 'Until then the old secret signs too'),
})

export const webhookTest = v.strictObject({
  delivered: field(v.boolean(), 'The receiver answered 2xx'),
  status: field(v.nullable(count), 'The HTTP status of the answer; null without one'),
  error: v.nullable(v.string()),
  duration_ms: count,
})
