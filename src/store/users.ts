import { type Sql, statement } from './database.ts'

export type UserRow = {
  id: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
  created_at: string
  updated_at: string
}

const columns = 'id, email, full_name, is_active, is_superuser, created_at, updated_at'

const insert = statement(
  'insert_user',
  `insert into users (id, email, full_name, is_active, is_superuser, password_hash, created_at, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $7) returning ${columns}`,
)

export async function insertUser(
  sql: Sql,
  user: Omit<UserRow, 'updated_at'> & { password_hash: string },
): Promise<UserRow> {
  const { id, email, full_name, is_active, is_superuser, password_hash, created_at } = user
  const values = [id, email, full_name, is_active, is_superuser, password_hash, created_at]
  const [row] = await sql.run<UserRow>(insert, values)
  if (!row) throw new Error('a user was not inserted')
  return row
}
