import { defineEntity, p } from '@mikro-orm/core'
import { keyRoles } from '#src/domain/access.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'
import { UserEntity } from './user.ts'

/** A credential of a program: an API key, or, with `agent`, the token of one agent's runtime. */
const schema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: column.id(),
    name: p.string().length(255),
    /** SHA-256 of the key, which has 256 random bits of its own: it cannot be found by trying. */
    key_hash: p.string().length(64).unique(),
    role: p.enum(keyRoles),
    /** Null: all that its maker may reach. */
    project: () => p.manyToOne(ProjectEntity).nullable().deleteRule('cascade').index(),
    agent: () => p.manyToOne(AgentEntity).nullable().deleteRule('cascade').index(),
    maker: () => p.manyToOne(UserEntity).deleteRule('cascade').index(),
    created_at: column.created_at(),
    expires_at: column.time().nullable(),
    last_used_at: column.time().nullable(),
    revoked_at: column.time().nullable(),
  },
})

export class ApiKeyEntity extends schema.class {}
schema.setClass(ApiKeyEntity)
