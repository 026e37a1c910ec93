import type { Agent } from '#src/domain/agent.ts'
import type { App } from '#src/server/app.ts'
import type { AgentMetrics } from '#src/store/metrics.ts'
import { admin } from './admin.ts'

export type Answer<Body> = { status: number; headers: Headers; body: Body }
export type Failure = { success: false; errors: { code: string; message: string; field: string | null }[] }

type Send = (path: string, init: RequestInit) => Response | Promise<Response>

/** A REST client: over `app.request` without a port, or over a real one. */
export class Rest {
  readonly #send: Send
  token: string | undefined

  constructor(send: Send, token?: string) {
    this.#send = send
    this.token = token
  }

  static of(app: Pick<App, 'api'>): Rest {
    return new Rest((path, init) => app.api.request(path, init, {}))
  }

  static at(origin: string): Rest {
    return new Rest((path, init) => fetch(origin + path, init))
  }

  /** The same client for somebody else. */
  as(token: string | undefined): Rest {
    return new Rest(this.#send, token)
  }

  async call<Body>(method: string, path: string, body?: unknown, headers = {}): Promise<Answer<Body>> {
    const response = await this.#send(`/api/v1${path}`, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (text.startsWith('{') ? JSON.parse(text) : text) as Body,
    }
  }

  get<Body = Failure>(path: string): Promise<Answer<Body>> {
    return this.call<Body>('GET', path)
  }

  post<Body = Failure>(path: string, body?: unknown): Promise<Answer<Body>> {
    return this.call<Body>('POST', path, body)
  }

  put<Body = Failure>(path: string, body: unknown): Promise<Answer<Body>> {
    return this.call<Body>('PUT', path, body)
  }

  patch<Body = Failure>(path: string, body: unknown): Promise<Answer<Body>> {
    return this.call<Body>('PATCH', path, body)
  }

  delete<Body = Failure>(path: string, body?: unknown): Promise<Answer<Body>> {
    return this.call<Body>('DELETE', path, body)
  }

  async signIn(credentials = admin): Promise<Rest> {
    const { body } = await this.post<{ access_token: string }>('/auth/login', credentials)
    return this.as(body.access_token)
  }
}

let counter = 0
export const unique = (name: string): string => `${name}-${process.pid}-${++counter}`

export type Fleet = { rest: Rest; project_id: string; agent_type_id: string; agents: string }

/** A project and an agent type to spawn from. */
export async function createFleet(rest: Rest): Promise<Fleet> {
  const project = await rest.post<{ id: string }>('/projects', { name: 'Line', slug: unique('line') })
  const type = await rest.post<{ id: string }>('/agent-types', { name: 'Driver', slug: unique('driver') })
  const project_id = project.body.id
  return { rest, project_id, agent_type_id: type.body.id, agents: `/projects/${project_id}/agents` }
}

export async function spawn(fleet: Fleet, body: object = {}): Promise<Agent> {
  const input = { agent_type_id: fleet.agent_type_id, name: 'Ada', ...body }
  const answer = await fleet.rest.post<Agent>(fleet.agents, input)
  if (answer.status !== 201) throw new Error(`spawn: ${JSON.stringify(answer.body)}`)
  return answer.body
}

export type { Agent, AgentMetrics }
