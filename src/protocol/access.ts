import * as v from 'valibot'
import { keyRoles, memberRoles, type ProjectRole } from '#src/domain/access.ts'
import { actorKinds } from '#src/domain/actor.ts'
import { auditActions } from '#src/domain/audit.ts'
import { email, pageQuery } from './resources.ts'
import { field, isoTime, label, queryTime, time, uuid } from './values.ts'

const memberRole = v.picklist(memberRoles, `Must be one of ${memberRoles.join(', ')}`)
export const memberBody = v.strictObject({ role: memberRole })
export const addMemberBody = v.strictObject({ email, role: memberRole })

export const member = v.strictObject({
  user_id: uuid,
  email: v.string(),
  full_name: v.nullable(v.string()),
  role: memberRole,
  created_at: isoTime,
  updated_at: isoTime,
})

const ownRoles = ['superuser', 'owner', ...memberRoles] as const satisfies readonly ProjectRole[]

export const ownAccess = v.strictObject({
  project_id: uuid,
  role: field(v.picklist(ownRoles), 'Yours at this moment'),
  owner_id: uuid,
  owner_email: v.string(),
  owner_name: v.nullable(v.string()),
})

const keyRole = v.picklist(keyRoles, `Must be one of ${keyRoles.join(', ')}`)

export const createKeyBody = v.strictObject({
  name: label(255),
  project_id: v.nullish(uuid, null),
  role: keyRole,
  expires_at: v.nullish(time, null),
})

const keyEntries = {
  id: uuid,
  name: v.string(),
  project_id: field(v.nullable(uuid), 'Null: every project that its maker may reach'),
  role: keyRole,
  expires_at: v.nullable(isoTime),
  created_at: isoTime,
}

export const apiKey = v.strictObject({ ...keyEntries, maker_id: uuid, last_used_at: v.nullable(isoTime) })
/** The only answer with the key. */
export const createdKey = v.strictObject({ ...keyEntries, key: field(v.string(), 'Shown this once') })

export const auditQuery = v.object({
  ...pageQuery.entries,
  action: v.optional(v.picklist(auditActions, 'Must be an action of the audit trail')),
  actor_id: v.optional(uuid),
  project_id: v.optional(uuid),
  from: v.optional(field(queryTime, 'Inclusive')),
  to: v.optional(field(queryTime, 'Exclusive')),
})

export const auditEntry = v.strictObject({
  id: uuid,
  at: isoTime,
  action: v.string(),
  actor: v.object({ kind: v.picklist(actorKinds), id: v.nullable(uuid) }),
  target_id: v.nullable(uuid),
  project_id: v.nullable(uuid),
  details: v.record(v.string(), v.unknown()),
})
