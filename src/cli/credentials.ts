import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { createApi, type TokenPair } from '#src/client/rest/rest.ts'
import { CliError } from './failure.ts'

const fileSchema = v.object({
  /** The server of the last login, which commands use by default. */
  current: v.nullable(v.string()),
  sessions: v.record(
    v.string(),
    v.object({
      email: v.string(),
      access_token: v.string(),
      expires_at: v.number(),
      refresh_token: v.string(),
    }),
  ),
})
type StoredSessions = v.InferOutput<typeof fileSchema>
type Session = StoredSessions['sessions'][string]

/** An access token is renewed this long before it expires; a socket asks for the next one 60 s before. */
const MARGIN_MS = 90_000
/** An older lock was left by a process that died: a renewal takes less time, and a token callback may not take more. */
const STALE_LOCK_MS = 9_000
/**
 * Within 10 s the server answers a spent refresh token again, so the last attempt must begin before that; and all attempts
 * must end before the lock is stale.
 */
const RENEWAL = { timeout_ms: 2_500, retries: 2, max_wait_ms: 500 }

/** The sessions of this user, by server, in a file that only this user can read. A token goes only to its own server. */
export class Credentials {
  readonly #path: string

  constructor(variables: Record<string, string | undefined>) {
    const folder = variables.XDG_CONFIG_HOME || join(homedir(), '.config')
    this.#path = join(folder, 'signalbox', 'credentials.json')
  }

  get current(): string | null {
    return this.#read().current
  }

  session(url: string): Session | undefined {
    return this.#read().sessions[url]
  }

  async save(url: string, pair: TokenPair): Promise<void> {
    await this.#locked(async () => this.#put(url, pair, url))
  }

  async forget(url: string): Promise<void> {
    await this.#locked(async () => this.#drop(url))
  }

  /** The access token of a session; renewed when it expires soon or the server has refused it. */
  tokenSource(url: string): (refused: string | undefined) => Promise<string | undefined> {
    return async (refused) => {
      const usable = (session: Session) =>
        session.access_token !== refused && session.expires_at - MARGIN_MS > Date.now()
      const stored = this.session(url)
      if (!stored || usable(stored)) return stored?.access_token
      return this.#locked(async () => {
        // A refresh token can be spent once: another process may have renewed the session.
        const session = this.session(url)
        if (!session || usable(session)) return session?.access_token
        return this.#renew(url, session)
      })
    }
  }

  async #renew(url: string, { refresh_token }: Session): Promise<string> {
    const api = createApi({ url, ...RENEWAL })
    try {
      const pair = await api.auth.refresh({ refresh_token })
      this.#put(url, pair, this.current)
      return pair.access_token
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#drop(url)
      throw new CliError('signed_out', `The session at ${url} has ended`, 'run "signalbox login"')
    }
  }

  #put(
    url: string,
    { user, access_token, refresh_token, expires_in }: TokenPair,
    current: string | null,
  ): void {
    const expires_at = Date.now() + expires_in * 1000
    const session = { email: user.email, access_token, expires_at, refresh_token }
    this.#write({ current, sessions: { ...this.#read().sessions, [url]: session } })
  }

  #drop(url: string): void {
    const { current, sessions } = this.#read()
    const { [url]: _, ...others } = sessions
    this.#write({ current: current === url ? null : current, sessions: others })
  }

  #read(): StoredSessions {
    try {
      return v.parse(fileSchema, JSON.parse(readFileSync(this.#path, 'utf8')))
    } catch (error) {
      if (isMissing(error)) return { current: null, sessions: {} }
      throw new CliError(
        'failed',
        `${this.#path} cannot be read, or is damaged`,
        'remove it, and sign in again',
      )
    }
  }

  /** Writes a new file and renames it, so that no process reads half a file or one with another mode. */
  #write(stored: StoredSessions): void {
    const draft = `${this.#path}.${process.pid}`
    writeFileSync(draft, JSON.stringify(stored, undefined, 2), { mode: 0o600 })
    renameSync(draft, this.#path)
  }

  /** Runs `work` in one process at a time. */
  async #locked<Result>(work: () => Promise<Result>): Promise<Result> {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const lock = `${this.#path}.lock`
    while (!takeLock(lock)) await sleep(20)
    try {
      return await work()
    } finally {
      rmSync(lock, { force: true })
    }
  }
}

function takeLock(path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx' })
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const madeAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - madeAt > STALE_LOCK_MS) rmSync(path, { force: true })
    return false
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'status' in error && (error.status === 401 || error.status === 403)
}
