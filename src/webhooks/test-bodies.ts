import type { Time } from '#src/domain/time.ts'
import type { WebhookFormat } from '#src/domain/webhook.ts'
import { CLOUD_EVENTS, JSON_TYPE, type Target, type WebhookBody } from './bodies.ts'
import type { SlackMessage } from './slack.ts'

type Test = Target & { id: string; at: Time }

const TEXT = 'A test of this webhook by Signalbox. No event has happened.'

/** What a test sends in each format. A receiver that reads only events finds none in ours. */
const writers: Record<WebhookFormat, (test: Test) => WebhookBody> = {
  signalbox: ({ project_id, at }) => ({
    content_type: JSON_TYPE,
    body: JSON.stringify({ type: 'webhook.test', timestamp: at, data: { project_id, events: [] } }),
  }),
  slack: () => {
    const message: SlackMessage = {
      text: TEXT,
      blocks: [{ type: 'section', text: { type: 'plain_text', text: TEXT, emoji: false } }],
    }
    return { content_type: JSON_TYPE, body: JSON.stringify(message) }
  },
  cloudevents: ({ project_id, base = '', id, at }) => ({
    content_type: CLOUD_EVENTS,
    body: JSON.stringify([
      {
        specversion: '1.0',
        id,
        source: `${base}/api/v1/projects/${project_id}`,
        type: 'dev.signalbox.webhook.test',
        subject: `projects/${project_id}`,
        time: at,
        data: { message: TEXT },
      },
    ]),
  }),
}

export function writeTestBody(format: WebhookFormat, test: Test): WebhookBody {
  return writers[format](test)
}
