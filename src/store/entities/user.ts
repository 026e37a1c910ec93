import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'

const schema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: column.id(),
    /** Folded to lower case, so that its spellings count as one. */
    email: p.string().length(320).unique(),
    full_name: p.string().length(255).nullable(),
    password_hash: p.text(),
    is_active: p.boolean().default(true),
    is_superuser: p.boolean().default(false),
    created_at: column.time(),
    updated_at: column.time(),
  },
})

export class UserEntity extends schema.class {}
schema.setClass(UserEntity)
