import type { Time } from '#src/domain/time.ts'
import type { Webhook, WebhookFormat } from '#src/domain/webhook.ts'
import { type SentEvent, writeSlackMessage } from './slack.ts'

/** A part of the log that one request covers. */
type Sent = {
  /** Events as the log has them. */
  frames: readonly string[]
  at: Time
  /** Events before this number were deleted before they could be delivered. */
  missed_before: number | undefined
}

export type Target = Pick<Webhook, 'project_id'> & {
  /** Where people and programs reach this server; undefined: unknown. */
  base: string | undefined
}

export type WebhookBody = { content_type: string; body: string }

export const JSON_TYPE = 'application/json'
export const CLOUD_EVENTS = 'application/cloudevents-batch+json'

/** The body of a request in each format; undefined where the format has no words for what there is to say. */
const writers: Record<WebhookFormat, (target: Target, sent: Sent) => WebhookBody | undefined> = {
  signalbox: (target, sent) => ({ content_type: JSON_TYPE, body: writeEvents(target, sent) }),
  slack: ({ project_id, base }, { frames: [frame], missed_before }) => {
    const event = frame === undefined ? undefined : (JSON.parse(frame) as SentEvent)
    const message = writeSlackMessage({ project_id, base, event, missed_before })
    return { content_type: JSON_TYPE, body: JSON.stringify(message) }
  },
  cloudevents: (target, { frames }) => {
    if (frames.length === 0) return undefined
    const events = frames.map((frame) => writeCloudEvent(target, frame))
    return { content_type: CLOUD_EVENTS, body: `[${events.join(',')}]` }
  },
}

export function writeBody(format: WebhookFormat, target: Target, sent: Sent): WebhookBody | undefined {
  return writers[format](target, sent)
}

/** The log's frames are JSON already, and are sent to the letter. */
function writeEvents({ project_id }: Target, { frames, at, missed_before }: Sent): string {
  const missed = missed_before === undefined ? '' : `"missed_before":${missed_before},`
  const data = `{"project_id":"${project_id}",${missed}"events":[${frames.join(',')}]}`
  return `{"type":"agent.events","timestamp":"${at}","data":${data}}`
}

/** An event whose id is its place in the log. Without a known address, its source is a relative reference. */
function writeCloudEvent({ project_id, base = '' }: Target, frame: string): string {
  const { epoch, seq, name, at, agent } = JSON.parse(frame) as SentEvent
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: `${epoch}.${seq}`,
    source: `${base}/api/v1/projects/${project_id}`,
    type: `dev.signalbox.${name}`,
    subject: agent ? `agents/${agent.id}` : `projects/${project_id}`,
    time: at,
  })
  return `${attributes.slice(0, -1)},"data":${frame}}`
}
