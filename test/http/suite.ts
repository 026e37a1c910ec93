import { afterAll, beforeAll, expect } from 'vitest'
import type { Config } from '#src/config/config.ts'
import type { WebhookTimings } from '#src/domain/webhook.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { type Backend, startApp } from '../support/backends.ts'
import { Rest, unique } from '../support/rest.ts'

type Running = { app: App; rest: Rest }

/** Starts an app for the suite that calls this, and signs its superuser in. */
export function useApp(
  { config }: Backend,
  own: Partial<Config> = {},
  timings?: WebhookTimings,
): () => Running {
  let running: Running | undefined
  beforeAll(async () => {
    const app = await startApp({ ...(await config()), ...own }, timings && { timings })
    running = { app, rest: await Rest.of(app).signIn() }
  })
  afterAll(() => running?.app.stop())
  return () => {
    if (!running) throw new Error('the app of this suite has not started')
    return running
  }
}

export const UNKNOWN = '00000000-0000-4000-8000-000000000000'

type Wrong = { message: unknown; field?: string | null }

/** The one shape of every refusal (REST contract: Errors), to match an answer with. */
export function refusal(status: number, code: string, ...wrong: Wrong[]) {
  const errors = wrong.map(({ message, field = null }) => ({ code, message, field }))
  return expect.objectContaining({ status, body: { success: false, errors } })
}

/** A 422 with exactly these fields wrong, in this order. */
export function invalid(...fields: (string | null)[]) {
  return refusal(422, 'VAL_001', ...fields.map((field) => ({ message: expect.any(String), field })))
}

export type User = {
  id: string
  email: string
  full_name: string | null
  is_active: boolean
  is_superuser: boolean
}
export const password = 'a long password'

/** A user that a superuser makes, with a client that is signed in as it. */
export async function addUser(superuser: Rest, own: object = {}): Promise<User & { rest: Rest }> {
  const email = `${unique('user')}@example.org`
  const created = await superuser.post<User>('/users', { email, password, ...own })
  expect(created.status).toBe(201)
  return { ...created.body, rest: await superuser.signIn({ email, password }) }
}

export type EventPage = { data: AgentEventFrame[]; last_seq: number }

export async function readLog(rest: Rest, project_id: string, after = 0): Promise<AgentEventFrame[]> {
  const { body } = await rest.get<EventPage>(`/projects/${project_id}/events?after=${after}&limit=1000`)
  return body.data
}

/** Rows for `it.each`: a field, what is sent in it, and how that looks in a test's name. */
export function wrongValues(...rows: [field: string, value: unknown][]) {
  return rows.map(([field, value]) => ({ field, value, shown: JSON.stringify(value).slice(0, 30) }))
}
