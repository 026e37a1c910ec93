import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { invalid, readLog, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

describe.each(backends)('spawning on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  const send = (body: object) => {
    const required = { agent_type_id: fleet.agent_type_id, name: 'Ada' }
    return fleet.rest.post<Agent>(fleet.agents, { ...required, ...body })
  }

  it('answers 201 with the whole agent and its address', async () => {
    const given = {
      name: 'Grace',
      project_id: fleet.project_id,
      status: 'working',
      current_task: 'compile',
      short_term_memory: { deep: { list: [1, 'two', null, { three: 3.5 }] }, é: '🚂' },
      long_term_memory_ref: 's3://memory',
      session_id: 'session',
      token_limit: 1_000,
      cost_limit: '12.5',
    }
    const answer = await send(given)
    expect(answer.status).toBe(201)
    const { id, created_at, seq } = answer.body
    expect(answer.headers.get('location')).toBe(`/api/v1${fleet.agents}/${id}`)
    expect(created_at).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
    expect(answer.body).toEqual({
      ...given,
      cost_limit: '12.5000',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      agent_type_id: fleet.agent_type_id,
      last_activity_at: null,
      terminated_at: null,
      tasks_completed: 0,
      tokens_used: 0,
      cost_incurred: '0.0000',
      created_at,
      updated_at: created_at,
      agent_type_name: 'Driver',
      agent_type_slug: expect.stringMatching(/^driver-/),
      project_name: 'Line',
      project_slug: expect.stringMatching(/^line-/),
      assigned_issues_count: 0,
      runtime: { connected: false, since: null, capabilities: [], client: null },
      labels: {},
      external_id: null,
      parent_id: null,
      open_requests: 0,
      holds: [],
      control: null,
      pending_signals: 0,
      seq,
    })
    const read = await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)
    expect(read.body).toEqual(answer.body)
  })

  it('needs a type and a name only', async () => {
    const defaults = { status: 'idle', short_term_memory: {}, current_task: null, session_id: null }
    const limits = { long_term_memory_ref: null, token_limit: null, cost_limit: null }
    expect((await send({})).body).toMatchObject({ ...defaults, ...limits })
    expect((await send({ ...limits, current_task: null, session_id: null })).status).toBe(201)
    expect(await fleet.rest.post(fleet.agents, {})).toEqual(invalid('agent_type_id', 'name'))
  })

  it('makes one event, which carries the agent without its memory', async () => {
    const agent = await spawn(fleet, { short_term_memory: { a: 1 } })
    const { short_term_memory: _, ...summary } = agent
    const [event] = await readLog(fleet.rest, fleet.project_id, agent.seq - 1)
    expect(event).toEqual({
      type: 'event',
      project_id: fleet.project_id,
      seq: agent.seq,
      epoch: 1,
      name: 'agent.spawned',
      at: agent.created_at,
      actor: { kind: 'user', id: expect.any(String) },
      agent: summary,
    })
  })

  it('trims the name', async () => {
    expect((await send({ name: '  Ada \n' })).body.name).toBe('Ada')
    expect((await send({ name: ` ${'x'.repeat(255)} ` })).body.name).toHaveLength(255)
    expect(await send({ name: ' \t ' })).toEqual(invalid('name'))
  })

  it('counts characters, not the units of an encoding', async () => {
    expect((await send({ name: '🚂'.repeat(255) })).status).toBe(201)
  })

  it.each(
    wrongValues(
      ['name', ''],
      ['name', 'x'.repeat(256)],
      ['name', null],
      ['name', 7],
      ['agent_type_id', 'not-a-uuid'],
      ['agent_type_id', null],
      ['project_id', 'not-a-uuid'],
      ['status', 'terminated'],
      ['status', 'sleeping'],
      ['status', null],
      ['current_task', 'x'.repeat(32_769)],
      ['current_task', 1],
      ['short_term_memory', []],
      ['short_term_memory', 'text'],
      ['short_term_memory', null],
      ['long_term_memory_ref', 'x'.repeat(501)],
      ['session_id', 'x'.repeat(256)],
      ['token_limit', -1],
      ['token_limit', 1.5],
      ['token_limit', '10'],
      ['token_limit', 2 ** 53],
      ['cost_limit', -1],
      ['cost_limit', '-0.0001'],
      ['cost_limit', '0.00001'],
      ['cost_limit', 1e-7],
      ['cost_limit', 10_000_000_000],
      ['cost_limit', 'much'],
      ['cost_limit', true],
      ['id', UNKNOWN],
      ['tokens_used', 1],
      ['toString', 1],
      ['constructor', {}],
    ),
  )('refuses $field: $shown, by its name', async ({ field, value }) => {
    expect(await send({ [field]: value })).toEqual(invalid(field))
  })

  it('takes each limit to the full', async () => {
    const full = {
      name: 'x'.repeat(255),
      current_task: 'x'.repeat(32_768),
      long_term_memory_ref: 'x'.repeat(500),
      session_id: 'x'.repeat(255),
      token_limit: Number.MAX_SAFE_INTEGER,
      cost_limit: '9999999999.9999',
    }
    const answer = await send(full)
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject(full)
  })

  it('names each mistake, every unknown key too', async () => {
    const wrong = { name: '', token_limit: -1, first: 1, second: 2 }
    const answer = await fleet.rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, ...wrong })
    expect(answer.status).toBe(422)
    const fields = answer.body.errors.map(({ field }) => field)
    expect(fields.sort()).toEqual(['first', 'name', 'second', 'token_limit'])
  })

  it('names each mistake beside text that no database column can hold', async () => {
    const wrong = {
      name: '\0',
      session_id: '\ud800',
      token_limit: -1,
      short_term_memory: { a: ['\0', '\0'] },
    }
    const body = { agent_type_id: fleet.agent_type_id, ...wrong, first: 1, external_id: '' }
    const answer = await fleet.rest.post(fleet.agents, body)
    const fields = answer.body.errors.map(({ field }) => field)
    expect(fields.sort()).toEqual([
      'external_id',
      'first',
      'name',
      'session_id',
      'short_term_memory.a.0',
      'token_limit',
    ])
  })

  it('refuses a project_id other than that of the path', async () => {
    const message = 'Agent project_id must match the URL project_id'
    expect(await send({ project_id: UNKNOWN })).toEqual(
      refusal(422, 'VAL_001', { message, field: 'project_id' }),
    )
    expect((await send({ project_id: fleet.project_id.toUpperCase() })).status).toBe(201)
  })

  it('refuses an unknown type with 404 and an inactive one by its name', async () => {
    const unknown = { message: `Agent type ${UNKNOWN} not found` }
    expect(await send({ agent_type_id: UNKNOWN })).toEqual(refusal(404, 'SYS_002', unknown))
    const type = await fleet.rest.post<{ id: string }>('/agent-types', {
      name: 'Old Driver',
      slug: unique('old'),
      is_active: false,
    })
    const message = "Agent type 'Old Driver' is inactive and cannot be used"
    expect(await send({ agent_type_id: type.body.id })).toEqual(
      refusal(422, 'VAL_001', { message, field: 'agent_type_id' }),
    )
  })

  it('refuses text that no database column can hold, by its path', async () => {
    expect(await send({ name: 'a\0b' })).toEqual(invalid('name'))
    expect(await send({ current_task: '\ud800' })).toEqual(invalid('current_task'))
    expect(await send({ short_term_memory: { a: ['\0'] } })).toEqual(invalid('short_term_memory.a.0'))
    expect((await send({ short_term_memory: { 'a\0': 1 } })).status).toBe(422)
    expect((await send({ short_term_memory: { '\udc00': 1 } })).status).toBe(422)
  })

  it('takes a memory of 64 levels and 64 KiB, and no more', async () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const around = (memory: string) =>
      `{"agent_type_id":"${fleet.agent_type_id}","name":"Ada","short_term_memory":${memory}}`
    const post = (memory: string) => fleet.rest.post(fleet.agents, around(memory))
    expect((await post(nested(63))).status).toBe(201)
    expect((await post(nested(65))).status).toBe(422)
    expect((await post(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)).status).toBe(422)

    const bytes = 64 * 1024 - '{"a":""}'.length
    expect((await send({ short_term_memory: { a: 'x'.repeat(bytes) } })).status).toBe(201)
    expect(await send({ short_term_memory: { a: 'x'.repeat(bytes + 1) } })).toEqual(
      invalid('short_term_memory'),
    )
    expect(await send({ short_term_memory: { a: 'é'.repeat(bytes / 2 + 1) } })).toEqual(
      invalid('short_term_memory'),
    )
  })

  it('keeps a memory to the letter, whatever its keys', async () => {
    const memory = { constructor: 1, prototype: { toString: 2 }, length: 3, '': 4, 'a.b': 5 }
    const { id } = await spawn(fleet, { short_term_memory: memory })
    const read = async (of: string) => (await fleet.rest.get<Agent>(`${fleet.agents}/${of}`)).body
    expect((await read(id)).short_term_memory).toEqual(memory)
    const proto = await spawn(fleet, { short_term_memory: JSON.parse('{"a":{"__proto__":1},"__proto__":2}') })
    const text = JSON.stringify((await read(proto.id)).short_term_memory)
    expect(text.match(/"__proto__":[12]/g)?.sort()).toEqual(['"__proto__":1', '"__proto__":2'])
  })

  it('a hundred at once get a hundred numbers in a row', async () => {
    const fresh = await createFleet(fleet.rest)
    const agents = await Promise.all(Array.from({ length: 100 }, () => spawn(fresh)))
    const seqs = agents.map(({ seq }) => seq).sort((a, b) => a - b)
    expect(seqs).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })
})
