import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'

const schema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: column.id(),
    /** Kept in lower case, so that it is unique whatever its spelling. */
    email: p.string().length(320).unique(),
    full_name: p.string().length(255).nullable(),
    password_hash: p.text(),
    is_active: p.boolean().default(true),
    is_superuser: p.boolean().default(false),
    created_at: column.created_at(),
    updated_at: column.updated_at(),
  },
})

export class UserEntity extends schema.class {}
schema.setClass(UserEntity)
