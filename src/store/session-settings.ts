import type { TransactionSettings } from 'kysely'
import type { Limits } from './bounds.ts'

/**
 * Settings that statements and parsers rely on. They override the defaults of the role, the database and the server, except
 * `search_path` and `default_transaction_read_only`, which are for an operator to choose.
 */
const meanings = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
}

/** PostgreSQL notices a lost peer after 19 s, or after 15 s if it sent something. Seconds, except the last. */
const link = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '3',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '15000',
}

const toSettings = ({ statement, lock, idle_transaction }: Limits) => ({
  ...meanings,
  statement_timeout: `${statement}`,
  lock_timeout: `${lock}`,
  idle_in_transaction_session_timeout: `${idle_transaction}`,
})

const toSql = (scope: 'session' | 'local', settings: Record<string, string>) =>
  Object.entries(settings)
    .map(([name, value]) => `set ${scope} ${name} = '${value}'`)
    .join('; ')

/** Sets up a session, in one message. */
export function ownSession(limits: Limits): string {
  return toSql('session', {
    ...toSettings(limits),
    ...link,
    default_transaction_isolation: 'read committed',
  })
}

/** Sets up a session until the end of its transaction. */
export function ownTransaction(limits: Limits): string {
  return toSql('local', toSettings(limits))
}

export function beginSql({
  isolationLevel = 'read committed',
  accessMode,
}: TransactionSettings = {}): string {
  return `begin isolation level ${isolationLevel}${accessMode ? ` ${accessMode}` : ''}`
}
