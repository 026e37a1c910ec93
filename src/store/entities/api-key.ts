import { defineEntity, p } from '@mikro-orm/core'
import { keyRoles } from '#src/domain/access.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'
import { UserEntity } from './user.ts'

/** A program's credential: an API key, or, with `agent`, the token of one agent's runtime. */
const schema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: column.id(),
    name: p.string().length(255),
    /** SHA-256 of the key. Its 256 random bits cannot be guessed. */
    key_hash: p.string().length(64).unique(),
    role: p.enum(keyRoles),
    /** Null: the key reaches all that its maker may reach. */
    project: () => p.manyToOne(ProjectEntity).nullable().deleteRule('cascade').index(),
    agent: () => p.manyToOne(AgentEntity).nullable().deleteRule('cascade').index(),
    maker: () => p.manyToOne(UserEntity).deleteRule('cascade').index(),
    /** The credential whose runtime delegated this token: a key, or a user. With a key, the token ends too. */
    issuer_id: p.uuid().nullable(),
    created_at: column.time(),
    expires_at: column.time().nullable(),
    last_used_at: column.time().nullable(),
    revoked_at: column.time().nullable(),
  },
  indexes: [{ name: 'api_keys_by_issuer', properties: ['issuer_id'], where: 'issuer_id is not null' }],
})

export class ApiKeyEntity extends schema.class {}
schema.setClass(ApiKeyEntity)
