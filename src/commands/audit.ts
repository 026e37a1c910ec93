import type { EntityManager } from '@mikro-orm/postgresql'
import type { AuditInput } from '#src/store/audit.ts'
import { AuditEntryEntity } from '#src/store/entities/index.ts'

/** Adds to the audit trail, with the next flush of this unit of work. */
export function noteAudit(em: EntityManager, { actor, ...entry }: AuditInput): void {
  em.persist(
    em.create(AuditEntryEntity, {
      at: new Date(),
      actor_kind: actor.kind,
      actor_id: actor.id,
      target_id: null,
      project_id: null,
      details: {},
      ...entry,
    }),
  )
}
