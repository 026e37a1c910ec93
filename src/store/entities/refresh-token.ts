import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'
import { UserEntity } from './user.ts'

const schema = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_tokens',
  properties: {
    id: column.id(),
    /** One sign-in; each refresh adds a token to its family. */
    family_id: p.uuid().index(),
    user: () => p.manyToOne(UserEntity).deleteRule('cascade').index(),
    token_hash: p.string().length(64).unique(),
    created_at: column.time(),
    expires_at: column.time().index(),
    spent_at: column.time().nullable(),
    revoked_at: column.time().nullable(),
  },
})

export class RefreshTokenEntity extends schema.class {}
schema.setClass(RefreshTokenEntity)
