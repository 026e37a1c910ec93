import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { invalid, refusal, useApp } from './suite.ts'

const KIB64 = 64 * 1024
/** As clients write it, and as it is everywhere from then on. */
const written = `{"zz" : 1.50, "a":[1E-7, 5e-324,1e22 ,-0.5,123456789012345680000], "é":{"b":1,"A":null,"🚂":1,"～A":2,"～~":3}, "10":"x","__proto__":{"x":1}}`
const kept = JSON.stringify(
  JSON.parse(
    `{"10":"x","a":[1e-7,5e-324,1e+22,-0.5,123456789012345680000],"zz":1.5,"é":{"A":null,"b":1,"～A":2,"～~":3,"🚂":1},"__proto__":{"x":1}}`,
  ),
)

describe.each(backends)('JSON that only clients understand, on $name,', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let agent: Agent
  let paths: Record<'spawn' | 'update' | 'message' | 'type', [method: string, path: string]>
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
    paths = {
      spawn: ['POST', fleet.agents],
      update: ['PATCH', `${fleet.agents}/${agent.id}`],
      message: ['POST', `${fleet.agents}/${agent.id}/signals`],
      type: ['POST', '/agent-types'],
    }
  })

  const bodies = {
    spawn: (json: string) =>
      `{"agent_type_id":"${fleet.agent_type_id}","name":"Ada","short_term_memory":${json}}`,
    update: (json: string) => `{"short_term_memory":${json}}`,
    message: (json: string) => `{"kind":"message","payload":${json}}`,
    type: (json: string) => `{"name":"Driver","slug":"${unique('driver')}","config":${json}}`,
  }
  const fields = {
    spawn: 'short_term_memory',
    update: 'short_term_memory',
    message: 'payload',
    type: 'config',
  } as const
  const uses = ['spawn', 'update', 'message', 'type'] as const
  type Use = (typeof uses)[number]

  const send = (use: Use, json: string) => {
    const [method, path] = paths[use]
    return fleet.rest.call<{ id: string }>(method, path, bodies[use](json))
  }
  /** The text of an answer, as it comes. */
  const read = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${fleet.rest.token}`, 'content-type': 'application/json' }
    return (await running().app.api.request(`/api/v1${path}`, { ...init, headers }, {})).text()
  }

  describe.each(uses)('in a %s', (use) => {
    it.each([
      ...[
        '1546130668394913822',
        '1e400',
        '-1e400',
        '1e-400',
        '-0',
        '-0.0',
        '0.1000000000000000055511151231257827',
      ],
    ])('the number %s, which a double would change, is refused by name', async (literal) => {
      expect(await send(use, `{"a":{"b":[1,${literal}]}}`)).toEqual(
        refusal(422, 'VAL_001', {
          message: 'A double does not hold this number exactly: send it as a string',
          field: `${fields[use]}.a.b.1`,
        }),
      )
    })

    it('numbers that grow in the database count as they are there', async () => {
      const tiny = `[${Array(9_000).fill('5e-324').join(',')}]`
      expect(Buffer.byteLength(tiny)).toBeLessThan(KIB64)
      for (const json of [tiny, tiny.replaceAll('5e-324', '1e300'), tiny.replaceAll('5e-324', '-1.5e-9')]) {
        expect(await send(use, `{"a":${json}}`)).toEqual(invalid(fields[use]))
      }
      expect((await send(use, `{"a":[${Array(200).fill('5e-324').join(',')}]}`)).status).toBeLessThan(300)
    })

    it('is answered in the bytes that every reader gets', async () => {
      const [method, path] = paths[use]
      const answer = await read(path, { method, body: bodies[use](written) })
      expect(answer).toContain(`"${fields[use]}":${kept}`)
    })
  })

  it('a memory is the same bytes in every answer, and to its runtime', async () => {
    const { id } = (await send('spawn', written)).body
    const whole = await read(`${fleet.agents}/${id}`)
    expect(whole).toContain(`"short_term_memory":${kept}`)
    const list = await read(`${fleet.agents}?limit=100`)
    expect(list).toContain(whole)
    const runtime = new RuntimeSocket(await wsUrl(), { token: fleet.rest.token })
    const texts = listen(runtime)
    await runtime.next('hello')
    await runtime.attach(id)
    expect(texts.at(-1)).toContain(`"short_term_memory":${kept}`)
    await runtime.close()
  })

  it('a payload is the same bytes in the list, the log, and the signal, at once and after an attach', async () => {
    const own = await spawn(fleet)
    const path = `${fleet.agents}/${own.id}/signals`
    const runtime = new RuntimeSocket(await wsUrl(), { token: fleet.rest.token })
    const texts = listen(runtime)
    await runtime.next('hello')
    await runtime.attach(own.id)
    await read(path, { method: 'POST', body: bodies.message(written) })
    await runtime.signal()
    await runtime.attach(own.id)
    await runtime.signal()
    const signals = texts.filter((text) => text.startsWith('{"type":"signal"'))
    expect(signals).toHaveLength(2)
    const log = await read(`/projects/${fleet.project_id}/events?limit=1000`)
    for (const text of [...signals, await read(path), log]) expect(text).toContain(`"payload":${kept}`)
    await runtime.close()
  })

  it('a report with a number that a double would change is refused by name', async () => {
    const own = await spawn(fleet)
    const runtime = new RuntimeSocket(await wsUrl(), { token: fleet.rest.token })
    await runtime.next('hello')
    await runtime.attach(own.id)
    for (const literal of ['1546130668394913822', '1e400', '-0']) {
      runtime.send(`{"type":"report","agent_id":"${own.id}","n":1,"short_term_memory":{"a":[${literal}]}}`)
      expect(await runtime.next('error')).toMatchObject({ code: 'VAL_001', field: 'short_term_memory.a.0' })
    }
    await runtime.close()
  })

  it('counts that add up beyond any integer are answered all the same', async () => {
    const many = await createFleet(fleet.rest)
    const most = Number.MAX_SAFE_INTEGER
    for (let count = 0; count < 3; count++) {
      const { id } = await spawn(many)
      await fleet.rest.patch(`${many.agents}/${id}`, { tokens_used: most, tasks_completed: most })
    }
    const { rest, agents, project_id } = many
    const { database } = running().app
    await database.run({
      name: unique('copy'),
      text: `insert into agents (id, project_id, agent_type_id, name, short_term_memory, created_at, updated_at,
          agent_type_name, agent_type_slug, project_name, project_slug, tokens_used, tasks_completed)
        select gen_random_uuid(), project_id, agent_type_id, name, '{}', now(), now(), 'a', 'a', 'p', 'p', ${most}, ${most}
        from agents, generate_series(1, 500) where project_id = '${project_id}'`,
    })
    const { status, body } = await rest.get<AgentMetrics>(`${agents}/metrics`)
    expect(status).toBe(200)
    expect(body.total_instances).toBe(1503)
    expect(body).toMatchObject({ total_tokens_used: 1503 * most, total_tasks_completed: 1503 * most })
  })

  it.each([
    ['Latin-1', Buffer.from('{"title":"Käse"}', 'latin1')],
    ['half a character', Buffer.from([...Buffer.from('{"title":"'), 0xe2, 0x82, ...Buffer.from('"}')])],
    ['a surrogate', Buffer.from([...Buffer.from('{"title":"'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')])],
  ])('a body with %s is no JSON', async (_, body) => {
    const path = `/api/v1/projects/${fleet.project_id}/issues`
    const headers = { authorization: `Bearer ${fleet.rest.token}`, 'content-type': 'application/json' }
    const response = await running().app.api.request(path, { method: 'POST', headers, body }, {})
    expect({ status: response.status, body: await response.json() }).toEqual(
      refusal(400, 'VAL_006', { message: 'The body is not UTF-8' }),
    )
  })

  let url: string | undefined
  const wsUrl = async () => {
    url ??= `ws://127.0.0.1:${(await running().app.listen()).port}/api/v1/ws`
    return url
  }
  const listen = (runtime: RuntimeSocket) => {
    const texts: string[] = []
    runtime.socket.on('message', (data) => texts.push(data.toString()))
    return texts
  }
})
