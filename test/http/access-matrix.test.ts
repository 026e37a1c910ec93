import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Cast, createCast, principals, type Who } from '../support/cast.ts'
import type { Failure } from '../support/rest.ts'
import { type Call, expectations } from './access-expectations.ts'
import { type EventPage, useApp } from './suite.ts'

type Document = { paths: Record<string, Record<string, { operationId: string }>> }
type Operation = { method: string; path: string }

describe.each(backends)('who may do what on $name', (backend) => {
  const running = useApp(backend)
  let cast: Cast
  let operations: Map<string, Operation>
  beforeAll(async () => {
    const { port } = await running().app.listen()
    cast = await createCast(running().rest, `ws://127.0.0.1:${port}/api/v1/ws`)
    const { body } = await running().rest.as(undefined).get<Document>('/openapi.json')
    operations = new Map(
      Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { operationId }]) => [
          operationId,
          { method: method.toUpperCase(), path },
        ]),
      ),
    )
  })

  const send = async (who: Who, { method, path }: Operation, { params, query = '', body }: Call) => {
    const values: Record<string, string> = {
      project_id: cast.fleet.project_id,
      agent_id: cast.agent.id,
      ...params,
    }
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `no ${name}`)
    const { token } = cast.rests[who]
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await running().app.api.request(url + query, init, {})
    return { status: response.status, code: await readCode(response) }
  }

  it('is expected of exactly the routes that exist', () => {
    expect(Object.keys(expectations).sort()).toEqual([...operations.keys()].sort())
  })

  it.each(Object.keys(expectations))('%s', async (operation_id) => {
    const { may, call = () => ({}), denied } = expectations[operation_id] ?? { may: [] }
    const operation = operations.get(operation_id) as Operation
    const target = await call(cast, 'superuser')
    const answers: Partial<Record<Who, unknown>> = {}
    const expected: Partial<Record<Who, unknown>> = {}
    // First those who may not, then who may, on the same: so what was refused has not been done either.
    for (const who of principals.filter((one) => !may.includes(one))) {
      answers[who] = await send(who, operation, denied?.(cast) ?? target)
      expected[who] = refusalOf(who)
    }
    for (const who of may) {
      const own = who === 'superuser' ? target : await call(cast, who)
      answers[who] = await send(who, operation, own)
      expected[who] = { status: expect.toSatisfy((status) => status === 200 || status === 201), code: null }
    }
    expect(answers).toEqual(expected)
  })

  it('each event names an actor that may do it', async () => {
    const { body } = await cast.fleet.rest.get<EventPage>(
      `/projects/${cast.fleet.project_id}/events?limit=1000`,
    )
    const users = await Promise.all(
      (['superuser', 'owner', 'operator'] as const).map(async (who) => {
        const me = await cast.rests[who].get<{ id: string }>('/users/me')
        return `user ${me.body.id}`
      }),
    )
    const actors = new Set(body.data.map(({ actor }) => `${actor.kind} ${actor.id}`))
    const keys = [...actors].filter((actor) => actor.startsWith('api_key '))
    // Those of the two keys that may operate, of the one that runs agents, and of no other.
    expect(keys).toHaveLength(3)
    const others = [...users, `runtime ${cast.agent.id}`]
    expect([...actors].filter((actor) => !keys.includes(actor)).sort()).toEqual(others.sort())
  })
})

function refusalOf(who: Who) {
  if (who === 'nobody') return { status: 401, code: 'AUTH_006' }
  if (who === 'key_of_deactivated_member') return { status: 401, code: 'AUTH_003' }
  return { status: 403, code: 'AUTH_004' }
}

/** Of a success the first bytes alone are waited for: a stream has no end. */
async function readCode(response: Response): Promise<string | null> {
  if (!response.ok) return ((await response.json()) as Failure).errors[0]?.code ?? null
  const reader = response.body?.getReader()
  await reader?.read()
  await reader?.cancel()
  return null
}
