import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareDataDir } from '#src/store/data-dir.ts'
import type { Credentials } from './client.ts'

type Variables = Record<string, string | undefined>

export type Settings = {
  /** The environment of the server. */
  variables: Variables
  origin: string
  credentials: Credentials
  /** The password to print; a value of ADMIN_PASSWORD is never printed. */
  shownPassword: string
}

/** An empty variable counts as unset, as for the server. */
export function readSettings(given: Variables): Settings {
  const dataDir = given.DATA_DIR || './data/demo'
  const email = given.ADMIN_EMAIL || 'demo@localhost'
  const password = given.ADMIN_PASSWORD || readOrCreatePassword(dataDir)
  return {
    variables: {
      ...given,
      DATA_DIR: dataDir,
      LOG_LEVEL: given.LOG_LEVEL || 'warn',
      ADMIN_EMAIL: email,
      ADMIN_PASSWORD: password,
      // The whole fleet shares one address and sends hundreds of requests a minute; the limit for one client is 30 updates.
      RATE_LIMIT_MULTIPLIER: '1000',
    },
    origin: `http://${toReachable(given.HOST || '127.0.0.1')}:${given.PORT || '8080'}`,
    credentials: { email, password },
    shownPassword: given.ADMIN_PASSWORD ? 'YOUR ADMIN_PASSWORD' : password,
  }
}

/** Where to reach a server that listens on `host`: a server on all addresses is on the loopback too. */
function toReachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** A random password, kept beside the data, so that a later start on the same data can sign in. */
function readOrCreatePassword(dataDir: string): string {
  const made = randomBytes(12).toString('base64url')
  if (dataDir.startsWith('memory://')) return made
  prepareDataDir(dataDir)
  const path = join(dataDir, 'demo-password')
  try {
    writeFileSync(path, made, { flag: 'wx', mode: 0o600 })
    return made
  } catch {
    // The file exists already; any other error happens again here.
    return readFileSync(path, 'utf8').trim()
  }
}
