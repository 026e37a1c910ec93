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
  /** The password to show: one that was given is the reader's own, and stays unsaid. */
  shown_password: string
}

/** An empty variable counts as unset, as it does for the server. */
export function readSettings(given: Variables): Settings {
  const data_dir = given.DATA_DIR || './data/demo'
  const email = given.ADMIN_EMAIL || 'demo@localhost'
  const password = given.ADMIN_PASSWORD || readOrCreatePassword(data_dir)
  return {
    variables: {
      ...given,
      DATA_DIR: data_dir,
      LOG_LEVEL: given.LOG_LEVEL || 'warn',
      ADMIN_EMAIL: email,
      ADMIN_PASSWORD: password,
      // The whole fleet comes from one address, hundreds of requests a minute, where a client has 30 updates.
      RATE_LIMIT_MULTIPLIER: '1000',
    },
    origin: `http://${toReachable(given.HOST || '127.0.0.1')}:${given.PORT || '8080'}`,
    credentials: { email, password },
    shown_password: given.ADMIN_PASSWORD ? 'YOUR ADMIN_PASSWORD' : password,
  }
}

/** Where to reach a server that listens on `host`: one on all addresses is on the loopback too. */
function toReachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** Random, and kept beside the data, so that a later start on the same data can sign in. */
function readOrCreatePassword(data_dir: string): string {
  const made = randomBytes(12).toString('base64url')
  if (data_dir.startsWith('memory://')) return made
  prepareDataDir(data_dir)
  const path = join(data_dir, 'demo-password')
  try {
    writeFileSync(path, made, { flag: 'wx', mode: 0o600 })
    return made
  } catch {
    // There is one already; anything else fails again here.
    return readFileSync(path, 'utf8').trim()
  }
}
