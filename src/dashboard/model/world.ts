import { type ReadonlySignal, signal } from '@preact/signals'
import { type Connection, type ConnectionState, connect } from '#src/client/index.ts'
import { type Api, createApi, eachItem, type Project, type User } from '#src/client/rest.ts'
import { MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import { ProjectLive } from './project-live.ts'
import type { Session } from './session.ts'
import { Standings } from './standings.ts'

/** How often the list of projects is read again: of a new one nobody is told. */
const PROJECTS_EVERY_MS = 60_000

export type Loading<Value> = { value?: Value; problem?: string }

/** All that a signed-in user sees: one connection, every project live on it, and the calls to act with. */
export class World {
  readonly me: User
  readonly api: Api
  readonly standings: Standings
  readonly #connection = signal<ConnectionState>({ kind: 'connecting' })
  readonly #projects = signal<Loading<Project[]>>({})
  readonly #lives = new Map<string, ProjectLive>()
  readonly #session: Session
  readonly #timer: ReturnType<typeof setInterval>
  #socket: Connection
  #isOver = false

  constructor(session: Session, me: User) {
    this.me = me
    this.#session = session
    this.api = createApi({ url: '', traced: true, token: (refused) => session.token(refused) })
    this.standings = new Standings(this.api, me)
    this.#socket = this.#connect()
    this.#timer = setInterval(() => void this.readProjects(), PROJECTS_EVERY_MS)
    void this.readProjects()
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

  /** A project live; from then on it stays so. Undefined where a socket cannot carry more. */
  live(project_id: string): ProjectLive | undefined {
    const known = this.#lives.get(project_id)
    if (known) return known
    if (this.#lives.size >= MAX_SUBSCRIPTIONS || this.#connection.peek().kind === 'closed') return undefined
    const live = new ProjectLive(this.#socket, project_id)
    this.#lives.set(project_id, live)
    return live
  }

  retryNow(): void {
    this.#socket.retryNow()
  }

  async readProjects(): Promise<void> {
    try {
      const projects = await Array.fromAsync(eachItem((page) => this.api.projects.list(page)))
      if (this.#isOver) return
      this.#forgetEnded()
      projects.sort((left, right) => left.name.localeCompare(right.name))
      this.#projects.value = { value: projects }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      this.#projects.value = { ...this.#projects.peek(), problem }
    }
  }

  /** What is listed may be watched again: access that was taken away has been given back, or a slug has moved on. */
  #forgetEnded(): void {
    for (const [id, live] of this.#lives) if (live.state.peek().kind === 'closed') this.#lives.delete(id)
  }

  close(): void {
    this.#isOver = true
    clearInterval(this.#timer)
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
      if (state.kind === 'closed' && state.reason === 'unauthenticated') void this.#readmit()
    })
    return socket
  }

  /** The token was refused before its time: either another is to be had, or the session learns that it has ended. */
  async #readmit(): Promise<void> {
    await this.#session.resume()
  }
}
