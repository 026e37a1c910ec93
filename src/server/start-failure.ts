import { ConfigError } from '#src/config/config.ts'

type Failure = { message: string; code?: unknown; syscall?: unknown; address?: unknown; port?: unknown }

/** What an operator can do about failures of the system and of PostgreSQL. */
const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'stop the process that listens there, or set PORT',
  EADDRNOTAVAIL: 'set HOST to an address of this machine',
  ECONNREFUSED: 'is it running, and is DATABASE_URL right?',
  ENOTFOUND: 'check the names in HOST and DATABASE_URL',
  EAI_AGAIN: 'check the names in HOST and DATABASE_URL',
  /** invalid_catalog_name: the server creates no database, since the name may be mistyped. */
  '3D000': 'create it, or correct DATABASE_URL',
  /** invalid_password, invalid_authorization_specification */
  '28P01': 'check the user and the password in DATABASE_URL',
  '28000': 'check the user and the password in DATABASE_URL',
}

/** One line: why a server or a local command cannot start, and what to do about it. */
export function describeStartFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message.replaceAll('\n', '; ')
  const { message, code, syscall } = rootOf(error)
  const reason = message.trim().replaceAll(/\s*\n\s*/g, ' ')
  if (code === 'EACCES' && syscall === 'listen') return `${reason}: set PORT to 1024 or above`
  const what = typeof code === 'string' ? advice[code] : undefined
  return what === undefined ? reason : `${reason}: ${what}`
}

/** Skips wrappers, which repeat the statement; takes the last of several attempts. */
function rootOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) }
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors.at(-1))
  return error.cause instanceof Error && error.cause !== error ? rootOf(error.cause) : error
}
