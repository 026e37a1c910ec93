import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { type ClosedReason, type Connection, type ConnectionState, connect } from '#src/client/index.ts'
import {
  type Api,
  createApi,
  eachItem,
  type Project,
  type TokenSource,
  type User,
} from '#src/client/rest/rest.ts'
import { MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { alertOf } from './alerts.ts'
import type { Names } from './causes.ts'
import { now } from './clock.ts'
import { Inbox } from './inbox.ts'
import { Permissions } from './permissions.ts'
import { ProjectLive } from './project-live.ts'
import { reconnects } from './reconnects.ts'
import type { Asked } from './requests.ts'
import type { Session } from './session.ts'

/** How often the page asks the server for a sign of life: a quiet server and a frozen one send nothing. */
const PROBE_EVERY_MS = 5_000

/** How often the page reads the projects and roles again: no event announces a change. */
const PROJECTS_EVERY_MS = 60_000

/** The time between two readings of the projects and roles, however many reasons come up. */
const REREAD_AFTER_MS = 3_000

export type Loading<Value> = { value?: Value; problem?: string }

/** The state of the page for a signed-in user: one connection, every project live on it, and the API. */
export class AppState {
  readonly #me: Signal<User>
  readonly api: Api
  /** For what the calls of `api` can't ask for. */
  readonly token: TokenSource
  readonly permissions: Permissions
  readonly inbox: Inbox
  readonly #connection = signal<ConnectionState>({ kind: 'connecting' })
  readonly #projects = signal<Loading<Project[]>>({})
  readonly #lives = new Map<string, ProjectLive>()
  /** Why watches have ended, of projects that may not be listed any more. */
  readonly #endings = new Map<string, ClosedReason>()
  readonly #session: Session
  readonly #timers: ReturnType<typeof setInterval>[]
  /** Since when the server owes an answer. */
  #probedAt: number | undefined
  readonly #silentSince = signal<number | undefined>(undefined)
  readonly #needing = signal(0)
  readonly #stopLooking: () => void
  #socket: Connection
  #isOver = false
  #readAt = 0
  #rereading: ReturnType<typeof setTimeout> | undefined

  constructor(session: Session, me: User) {
    this.#me = signal(me)
    this.#session = session
    this.token = (refused) => session.token(refused)
    this.api = createApi({ url: '', traced: true, token: this.token, fetch: this.#fetch })
    this.permissions = new Permissions(this.api, () => this.#me.value)
    this.inbox = new Inbox(this.api, alertOf)
    this.#socket = this.#connect()
    this.#timers = [
      setInterval(() => this.#readAgain(), PROJECTS_EVERY_MS),
      setInterval(() => this.#probe(), PROBE_EVERY_MS),
    ]
    document.addEventListener('visibilitychange', this.#onShown)
    void this.readProjects()
    this.#stopLooking = effect(() => this.#look(now.value))
  }

  get me(): User {
    return this.#me.value
  }

  /** After a change of the user's own name. */
  takeUser(user: User): void {
    this.#me.value = user
  }

  /** Since when a connected server has not answered; undefined if it answers. */
  get silentSince(): ReadonlySignal<number | undefined> {
    return this.#silentSince
  }

  #probe(): void {
    if (this.#probedAt !== undefined) {
      this.#silentSince.value = this.#probedAt
      return
    }
    const isSent = this.#socket.send({ type: 'ping' }, () => {
      this.#probedAt = undefined
      this.#silentSince.value = undefined
    })
    if (isSent) this.#probedAt = Date.now()
  }

  #opened(): void {
    // What was asked while the page was away has no event.
    if (reconnects.value > 0) this.inbox.readSoon()
    reconnects.value++
    this.permissions.people.lookAgain()
    this.#readAgain()
  }

  /** How many agents of all live projects need attention. */
  get needing(): ReadonlySignal<number> {
    return this.#needing
  }

  #look(time: number): void {
    let count = 0
    for (const live of this.#lives.values()) {
      live.look(time)
      count += live.concerns.peek().size
    }
    this.#needing.value = count
    const hasEnded = [...this.#lives.values()].some(({ state }) => state.peek().kind === 'closed')
    if (hasEnded && this.#connection.peek().kind === 'open') void this.readProjects()
  }

  get connection(): ReadonlySignal<ConnectionState> {
    return this.#connection
  }

  get projects(): ReadonlySignal<Loading<Project[]>> {
    return this.#projects
  }

  project(project_id: string): Project | undefined {
    return this.#projects.value.value?.find(({ id }) => id === project_id)
  }

  /** A project, which stays live from then on. Undefined where the socket carries no more, and for one that the user may not see. */
  live(project_id: string): ProjectLive | undefined {
    const known = this.#lives.get(project_id)
    if (known) return known
    if (this.#lives.size >= MAX_SUBSCRIPTIONS || this.#connection.peek().kind === 'closed') return undefined
    const listed = this.#projects.peek().value
    if (listed && !listed.some(({ id }) => id === project_id)) return undefined
    const live = new ProjectLive(this.#socket, project_id, this.inbox, (reason) =>
      this.#watchEnded(live, reason),
    )
    this.#lives.set(project_id, live)
    return live
  }

  /** A project that the user may not see any more leaves the page at once, with all its commands. */
  #watchEnded({ project_id, isFilled }: ProjectLive, reason: ClosedReason): void {
    if (this.#isOver || (reason !== 'forbidden' && reason !== 'deleted')) return
    this.#lives.delete(project_id)
    // A stranger never had the access that a watch without a state was refused.
    if (isFilled) this.#endings.set(project_id, reason)
    const { value, ...rest } = this.#projects.peek()
    if (value) this.#projects.value = { ...rest, value: value.filter(({ id }) => id !== project_id) }
    this.inbox.readSoon()
    this.#readAgain()
  }

  /** By the inbox, which knows projects that the page has not read yet, else by the user's role. */
  mayAnswer({ project_id, can_answer }: Asked): boolean {
    const project = this.project(project_id)
    return can_answer ?? (project !== undefined && this.permissions.may(project, 'answer_request'))
  }

  /** Why the last watch of the project has ended. */
  ending(project_id: string): ClosedReason | undefined {
    return this.#endings.get(project_id)
  }

  /** For words about a project. */
  names(project_id: string): Names {
    return {
      agent: (id) => this.#lives.get(project_id)?.nameOf(id) ?? id,
      actor: (actor) => this.permissions.nameOf(actor),
    }
  }

  retryNow(): void {
    this.#socket.retryNow()
  }

  /** Refused: the user's role is not what the page takes it for. */
  readonly #fetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.status === 403) this.#readAgain()
    return response
  }

  readonly #onShown = () => {
    if (document.visibilityState === 'visible') this.#readAgain()
  }

  /** What other people change without an event. Reasons that come close together count as one. */
  #readAgain(): void {
    const wait = Math.max(0, this.#readAt + REREAD_AFTER_MS - Date.now())
    this.#rereading ??= setTimeout(() => {
      this.#rereading = undefined
      this.permissions.people.refresh()
      void this.readProjects()
    }, wait)
  }

  async #readMe(): Promise<void> {
    const [me] = await Promise.all([this.api.users.me(), this.permissions.read()])
    if (JSON.stringify(me) !== JSON.stringify(this.#me.peek())) this.takeUser(me)
  }

  /** With the user's roles in them. */
  async readProjects(): Promise<void> {
    this.#readAt = Date.now()
    // Without an answer the roles stay as they are.
    void this.#readMe().catch(() => {})
    try {
      const projects = await Array.fromAsync(eachItem((page) => this.api.projects.list(page)))
      if (this.#isOver) return
      this.#forgetEnded()
      projects.sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true }))
      this.#projects.value = { value: projects }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      this.#projects.value = { ...this.#projects.peek(), problem }
    }
  }

  /** A listed project whose watch has ended can be watched again: the user has access again. */
  #forgetEnded(): void {
    for (const [id, live] of this.#lives) if (live.state.peek().kind === 'closed') this.#lives.delete(id)
  }

  close(): void {
    this.#isOver = true
    clearTimeout(this.#rereading)
    for (const timer of this.#timers) clearInterval(timer)
    document.removeEventListener('visibilitychange', this.#onShown)
    this.permissions.people.close()
    this.#stopLooking()
    this.inbox.close()
    this.#socket.close()
  }

  #connect(): Connection {
    const socket = connect({
      url: location.origin,
      token: () => this.#session.token(),
      backoff: { max_ms: 10_000 },
    })
    socket.on('state', (state) => {
      this.#connection.value = state
      this.#probedAt = undefined
      this.#silentSince.value = undefined
      if (state.kind === 'open') this.#opened()
      if (state.kind === 'closed' && state.reason === 'unauthenticated') void this.#readmit()
    })
    return socket
  }

  /** The server refused the token early: the session either gets another one or learns that it has ended. */
  async #readmit(): Promise<void> {
    await this.#session.resume()
  }
}
