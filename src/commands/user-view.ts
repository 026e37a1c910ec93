import type { UserEntity } from '#src/store/entities/index.ts'

/** The user of the wire contract: never the password's hash. */
export type User = {
  id: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  created_at: Date
  updated_at: Date
}

export function toUser(user: UserEntity): User {
  return {
    id: user.id,
    email: user.email,
    full_name: user.full_name ?? null,
    is_active: user.is_active,
    is_superuser: user.is_superuser,
    created_at: user.created_at,
    updated_at: user.updated_at,
  }
}
