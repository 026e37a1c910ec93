import { defineEntity, p } from '@mikro-orm/core'
import type { EventName } from '#src/domain/events.ts'
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
    /** Encrypted by a key that is made of SECRET_KEY. The old one goes on signing for a while. */
    secret: p.text(),
    old_secret: p.text().nullable(),
    old_secret_until: column.time().nullable(),
    cursor: column.count(),
    /** The last event of an attempt whose end is not known: the next one is of the same events. */
    pending_last: p.bigint('number').nullable(),
    is_active: p.boolean(),
    created_by: p.uuid(),
    created_at: column.created_at(),
    last_attempt_at: column.time().nullable(),
    last_success_at: column.time().nullable(),
    last_status: p.integer().nullable(),
    last_error: p.string().length(255).nullable(),
    failing_since: column.time().nullable(),
    failures: p.integer().default(0),
    next_attempt_at: column.time(),
    disabled_at: column.time().nullable(),
    /** Who is delivering: nobody else does until then. */
    lease: p.uuid().nullable(),
    leased_until: column.time().nullable(),
  },
})

export class WebhookEntity extends schema.class {}
schema.setClass(WebhookEntity)
