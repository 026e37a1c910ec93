import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApi, type TokenPair } from '#src/client/rest.ts'
import { CliError } from './failure.ts'

type Session = { email: string; access_token: string; expires_at: number; refresh_token: string }
type Kept = {
  /** The server that was signed in to last: where commands go that name none. */
  current: string | null
  sessions: Record<string, Session>
}

/** An access token is renewed this long before its end: a socket asks for the next one 60 s before. */
const MARGIN_MS = 90_000
/** A lock that is older was left behind by a process that died. Renewing takes less. */
const STALE_LOCK_MS = 15_000
const RENEWAL_TIMEOUT_MS = 10_000

/** The sessions of this user, by server, in a file that nobody else can read: a token goes to its server alone. */
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

  /** Answers the access token of a session, and renews it when its time is up or a server refused it. */
  tokenSource(url: string): (refused: string | undefined) => Promise<string | undefined> {
    return async (refused) => {
      const usable = (session: Session) =>
        session.access_token !== refused && session.expires_at - MARGIN_MS > Date.now()
      const kept = this.session(url)
      if (!kept || usable(kept)) return kept?.access_token
      return this.#locked(async () => {
        // A refresh token can be spent once: whoever was first has renewed it for all.
        const session = this.session(url)
        if (!session || usable(session)) return session?.access_token
        return this.#renew(url, session)
      })
    }
  }

  async #renew(url: string, { refresh_token }: Session): Promise<string> {
    const api = createApi({ url, timeout_ms: RENEWAL_TIMEOUT_MS, retries: 0 })
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

  #read(): Kept {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8'))
    } catch (error) {
      if (isMissing(error)) return { current: null, sessions: {} }
      throw new CliError('failed', `${this.#path} cannot be read`, 'remove it, and sign in again')
    }
  }

  /** A new file each time, so that nobody ever reads half of one, nor one with another mode. */
  #write(kept: Kept): void {
    const draft = `${this.#path}.${process.pid}`
    writeFileSync(draft, JSON.stringify(kept, undefined, 2), { mode: 0o600 })
    renameSync(draft, this.#path)
  }

  /** One process at a time. */
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
    const made_at = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - made_at > STALE_LOCK_MS) rmSync(path, { force: true })
    return false
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'status' in error && (error.status === 401 || error.status === 403)
}
