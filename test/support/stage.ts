import type { App } from '#src/server/app.ts'
import { Asker } from './asker.ts'
import { type Backend, sharedBackends, startApp } from './backends.ts'
import { EventReader } from './event-reader.ts'
import { Rest } from './rest.ts'
import { RuntimeSocket } from './runtime.ts'
import type { Watcher } from './watcher.ts'

/** Listening servers of one backend, two where it can be shared, and every client that was opened on them. */
export class Stage {
  readonly apps: readonly App[]
  readonly origins: readonly string[]
  readonly superuser: Rest
  readonly #clients: (Watcher | EventReader)[] = []

  private constructor(apps: readonly App[], origins: readonly string[], superuser: Rest) {
    this.apps = apps
    this.origins = origins
    this.superuser = superuser
  }

  static async start(backend: Backend): Promise<Stage> {
    const config = await backend.config()
    const apps: App[] = []
    for (let left = sharedBackends.includes(backend) ? 2 : 1; left > 0; left--) {
      apps.push(await startApp(config))
    }
    const ports = await Promise.all(apps.map((app) => app.listen()))
    const origins = ports.map(({ port }) => `http://127.0.0.1:${port}`)
    return new Stage(apps, origins, await Rest.of(apps[0] as App).signIn())
  }

  get app(): App {
    return this.apps[0] as App
  }

  /** Where the first server takes sockets. */
  get url(): string {
    return this.#urlOf(0)
  }

  #urlOf(server: number): string {
    return `${this.origins[server]?.replace('http', 'ws')}/api/v1/ws`
  }

  /** A socket of a server, once it is greeted. */
  async connect(token: string | undefined, server = 0): Promise<RuntimeSocket> {
    const socket = new RuntimeSocket(this.#urlOf(server), { token })
    this.#clients.push(socket)
    await socket.next('hello')
    return socket
  }

  /** A runtime that is attached, and asks. */
  async attach(agent_id: string, { token = this.superuser.token, server = 0 } = {}): Promise<Asker> {
    const asker = await Asker.at(this.#urlOf(server), token, agent_id)
    this.#clients.push(asker)
    return asker
  }

  async stream(
    token: string | undefined,
    { project_id, server = 0, after }: { project_id: string; server?: number; after?: number | string },
  ): Promise<EventReader> {
    const url = `${this.origins[server]}/api/v1/projects/${project_id}/events/stream`
    const reader = await EventReader.open(url, token, after)
    this.#clients.push(reader)
    return reader
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    await Promise.all(this.apps.map((app) => app.stop()))
  }
}
