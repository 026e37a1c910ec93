import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** The User of the wire contract. */
export type User = {
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
  user: Omit<User, 'updated_at'> & { password_hash: string },
): Promise<User> {
  const { id, email, full_name, is_active, is_superuser, password_hash, created_at } = user
  const values = [id, email, full_name, is_active, is_superuser, password_hash, created_at]
  const [row] = await sql.run<User>(insert, values)
  if (!row) throw new Error('a user was not inserted')
  return row
}

const first = statement('find_any_user', 'select 1 as found from users limit 1')

export async function hasUsers(sql: Sql): Promise<boolean> {
  return (await sql.run(first)).length > 0
}

const list = listStatements('list_users', {
  alias: 'u',
  from: 'users u where true',
  parameters: 0,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** All users, newest first. */
export function listUsers(sql: Sql, range: PageRange): Promise<Listed<User>> {
  return readList<User>(sql, list, { values: [], ...range })
}

/** A user with its password hash. Never for the wire. */
export type Account = User & { password_hash: string }

const accountColumns = `${columns}, password_hash`
const byId = statement('find_user_by_id', `select ${columns} from users where id = $1`)

export async function findUser(sql: Sql, id: string): Promise<User | undefined> {
  return (await sql.run<User>(byId, [id]))[0]
}

const byEmail = statement('find_account_by_email', `select ${accountColumns} from users where email = $1`)
const accountById = statement('find_account', `select ${accountColumns} from users where id = $1`)
const lock = statement('lock_user', `select ${accountColumns} from users where id = $1 for no key update`)
const lockSuperusers = statement(
  'lock_active_superusers',
  'select id from users where is_superuser and is_active order by id for no key update',
)
const lockOldest = statement(
  'lock_oldest_superuser',
  `select ${accountColumns} from users where is_superuser order by created_at, id limit 1 for no key update`,
)
const lockByEmail = statement(
  'lock_user_by_email',
  `select ${accountColumns} from users where email = $1 for no key update`,
)
const update = statement(
  'update_user',
  `update users set email = $2, full_name = $3, is_active = $4, is_superuser = $5, password_hash = $6, updated_at = $7
   where id = $1 returning ${columns}`,
)

export async function findAccount(
  sql: Sql,
  by: { id: string } | { email: string },
): Promise<Account | undefined> {
  const [account] =
    'id' in by ? await sql.run<Account>(accountById, [by.id]) : await sql.run<Account>(byEmail, [by.email])
  return account
}

/** Locks a user, before its sessions, so that one transaction at a time changes them. */
export async function lockAccount(sql: Sql, id: string): Promise<Account | undefined> {
  return (await sql.run<Account>(lock, [id]))[0]
}

export async function lockAccountByEmail(sql: Sql, email: string): Promise<Account | undefined> {
  return (await sql.run<Account>(lockByEmail, [email]))[0]
}

/** The superuser that was created first, active or not. */
export async function lockOldestSuperuser(sql: Sql): Promise<Account | undefined> {
  return (await sql.run<Account>(lockOldest))[0]
}

export async function lockActiveSuperusers(sql: Sql): Promise<string[]> {
  return (await sql.run<{ id: string }>(lockSuperusers)).map(({ id }) => id)
}

export async function updateAccount(sql: Sql, account: Account): Promise<User> {
  const { id, email, full_name, is_active, is_superuser, password_hash, updated_at } = account
  const values = [id, email, full_name, is_active, is_superuser, password_hash, updated_at]
  const [row] = await sql.run<User>(update, values)
  if (!row) throw new Error('a locked user is missing')
  return row
}

export function toUser({ password_hash: _, ...user }: Account): User {
  return user
}
