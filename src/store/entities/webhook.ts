import { defineEntity, p } from '@mikro-orm/core'
import type { EventName } from '#src/domain/events.ts'
import { webhookFormats } from '#src/domain/webhook.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** A receiver of a project's events over HTTP, and how far it has come in the log. */
const schema = defineEntity({
  name: 'Webhook',
  tableName: 'webhooks',
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade').index(),
    url: p.text(),
    /** Null: all of them. */
    events: column.json<EventName[]>().nullable(),
    /** Null: events of all agents, and of the project itself. */
    selector: p.text().nullable(),
    format: p.enum(webhookFormats).default('signalbox'),
    /** Where the server was reached when it was created; null for one of the release before formats. */
    origin: p.text().nullable(),
    /** Encrypted with a key derived from SECRET_KEY. The old one keeps signing for a while. */
    secret: p.text(),
    old_secret: p.text().nullable(),
    old_secret_until: column.time().nullable(),
    cursor: column.count(),
    /** The last event of an attempt whose end is unknown. The next attempt has the same events. */
    pending_last: p.bigint('number').nullable(),
    is_active: p.boolean(),
    created_by: p.uuid(),
    created_at: column.time(),
    last_attempt_at: column.time().nullable(),
    last_success_at: column.time().nullable(),
    last_status: p.integer().nullable(),
    last_error: p.string().length(255).nullable(),
    failing_since: column.time().nullable(),
    failures: p.integer().default(0),
    /** How long it has failed while it was tried. Time without a running server does not count. */
    failed_seconds: p.double().default(0),
    /** Counts the changes of `events`, `selector` and `format`, since a request with others is another message. */
    revision: p.integer().default(0),
    next_attempt_at: column.time(),
    disabled_at: column.time().nullable(),
    /** The delivery that has the webhook until `leased_until`. */
    lease: p.uuid().nullable(),
    leased_until: column.time().nullable(),
  },
})

export class WebhookEntity extends schema.class {}
schema.setClass(WebhookEntity)
