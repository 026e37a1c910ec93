import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventFrame } from '#src/protocol/messages/event.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { type EventPage, invalid, readLog, refusal, useApp } from './suite.ts'

describe.each(backends)('the event log on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    for (let index = 0; index < 12; index++) await spawn(fleet)
  })

  const read = async (query = '') => {
    const { body } = await fleet.rest.get<EventPage>(`/projects/${fleet.project_id}/events${query}`)
    return { seqs: body.data.map(({ seq }) => seq), last_seq: body.last_seq }
  }

  it('is read from its beginning, oldest first', async () => {
    expect(await read()).toEqual({ seqs: Array.from({ length: 12 }, (_, index) => index + 1), last_seq: 12 })
  })

  it('is read on from a number, in pages that say where the log ends', async () => {
    expect(await read('?after=3&limit=4')).toEqual({ seqs: [4, 5, 6, 7], last_seq: 12 })
    expect(await read('?after=11')).toEqual({ seqs: [12], last_seq: 12 })
    expect(await read('?after=12')).toEqual({ seqs: [], last_seq: 12 })
    expect(await read('?after=99')).toEqual({ seqs: [], last_seq: 12 })
  })

  it('of a project in which nothing happened is empty', async () => {
    const { project_id } = await createFleet(fleet.rest)
    const { status, body } = await fleet.rest.get<EventPage>(`/projects/${project_id}/events`)
    expect({ status, body }).toEqual({ status: 200, body: { data: [], last_seq: 0 } })
  })

  it('refuses a wrong query, naming each parameter', async () => {
    const ask = (query: string) => fleet.rest.get(`/projects/${fleet.project_id}/events?${query}`)
    for (const after of ['-1', 'x', '', '1.5']) expect(await ask(`after=${after}`)).toEqual(invalid('after'))
    for (const limit of ['0', '1001', 'x']) expect(await ask(`limit=${limit}`)).toEqual(invalid('limit'))
    expect((await ask('limit=1000')).status).toBe(200)
  })

  it('gives a hundred at a time by default', async () => {
    const busy = await createFleet(fleet.rest)
    await Promise.all(Array.from({ length: 101 }, () => spawn(busy)))
    const { body } = await fleet.rest.get<EventPage>(`/projects/${busy.project_id}/events`)
    expect(body.data).toHaveLength(100)
    expect(body.last_seq).toBe(101)
  })

  it('shows an agent as REST shows it, alone and in the list', async () => {
    const line = await createFleet(fleet.rest)
    const short_term_memory = { plan: ['a "b"', 'ü', null, { c: 1.5 }] }
    const limits = { token_limit: 1_000, cost_limit: '5', session_id: 's', long_term_memory_ref: 'ref' }
    const { id } = await spawn(line, { name: 'Zoë "Z"', short_term_memory, current_task: 'a\nb', ...limits })
    await line.rest.patch(`${line.agents}/${id}`, {
      cost_incurred: '0.5000',
      last_activity_at: '2026-11-24T01:02:03Z',
    })
    for (const last of [
      () => line.rest.post(`${line.agents}/${id}/signals`, { kind: 'message', payload: {} }),
      () => line.rest.post(`${line.agents}/${id}/pause`, { reason: 'r', resume_after: 100 }),
      () => line.rest.delete(`${line.agents}/${id}`),
    ]) {
      await last()
      const agent = { ...(await readLog(line.rest, line.project_id)).at(-1)?.agent, short_term_memory }
      expect((await line.rest.get(`${line.agents}/${id}`)).body).toEqual(agent)
      expect((await line.rest.get(line.agents)).body).toMatchObject({ data: [agent] })
    }
  })

  it('is never a 410 at its end, while events are being committed', async () => {
    const busy = await createFleet(fleet.rest)
    const { id } = await spawn(busy)
    let isWriting = true
    const writing = (async () => {
      for (let turn = 0; turn < 300; turn++)
        await busy.rest.patch(`${busy.agents}/${id}`, { tokens_used: turn })
      isWriting = false
    })()
    const statuses = new Set<number>()
    const read = async () => {
      let after = 0
      while (isWriting) {
        const { status, body } = await busy.rest.get<{ data: { seq: number }[] }>(
          `/projects/${busy.project_id}/events?after=${after}`,
        )
        statuses.add(status)
        after = body.data?.at(-1)?.seq ?? after
      }
    }
    await Promise.all([writing, read(), read(), read()])
    expect([...statuses]).toEqual([200])
  })

  it('says which events are no longer kept, and which is the oldest', async () => {
    const old = await createFleet(fleet.rest)
    for (let index = 0; index < 5; index++) await spawn(old)
    const ask = (query: string) => old.rest.get<EventPage>(`/projects/${old.project_id}/events${query}`)
    const prune = statement('test_prune', 'delete from events where project_id = $1 and seq <= $2')
    const gone = (oldest: number) =>
      refusal(410, 'SYS_006', {
        message: `Events up to ${oldest - 1} are no longer kept; the oldest is ${oldest}`,
        field: 'after',
      })
    await running().app.database.run(prune, [old.project_id, 3])
    expect(await ask('?after=0')).toEqual(gone(4))
    expect(await ask('?after=2')).toEqual(gone(4))
    for (const query of ['', '?after=3']) {
      expect((await ask(query)).body.data.map(({ seq }) => seq)).toEqual([4, 5])
    }
    await running().app.database.run(prune, [old.project_id, 5])
    expect(await ask('?after=4')).toEqual(gone(6))
    expect((await ask('?after=5')).body).toEqual({ data: [], last_seq: 5 })
  })

  it('holds events of the contract’s shape, each no older than the one before it', async () => {
    const busy = await createFleet(fleet.rest)
    const { id } = await spawn(busy, { token_limit: 5, short_term_memory: { secret: 1 } })
    const path = `${busy.agents}/${id}`
    await busy.rest.patch(path, { status: 'working', tokens_used: 1 })
    await busy.rest.patch(path, { tokens_used: 5 })
    await busy.rest.patch(path, { token_limit: null, status: 'idle' })
    await busy.rest.delete(path, { reason: 'done' })
    const events = await readLog(busy.rest, busy.project_id)
    expect(events.map(({ name }) => name)).toEqual([
      'agent.spawned',
      'agent.status_changed',
      'agent.budget_exceeded',
      'agent.status_changed',
      'agent.terminated',
    ])
    for (const [index, event] of events.entries()) {
      expect(v.safeParse(eventFrame, event).issues).toBeUndefined()
      expect(event.agent.seq).toBe(event.seq)
      expect(event.at >= (events[index - 1]?.at ?? '')).toBe(true)
      expect(event.agent.updated_at).toBe(event.at)
    }
  })
})
