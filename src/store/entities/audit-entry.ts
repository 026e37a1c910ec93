import { defineEntity, p } from '@mikro-orm/core'
import { actorKinds } from '#src/domain/actor.ts'
import type { AuditAction } from '#src/domain/audit.ts'
import { column } from './columns.ts'

/** Who did what to sign-ins, users, members and keys. What was done to agents is in the event log. */
const schema = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit',
  properties: {
    id: column.id(),
    at: column.time().index(),
    action: p.string().length(64).$type<AuditAction>(),
    actor_kind: p.enum(actorKinds),
    actor_id: p.uuid().nullable(),
    /** The user, key, or agent that it was done to, if there is one. */
    target_id: p.uuid().nullable(),
    project_id: p.uuid().nullable(),
    details: column.json<Record<string, unknown>>(),
  },
})

export class AuditEntryEntity extends schema.class {}
schema.setClass(AuditEntryEntity)
