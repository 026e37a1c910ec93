import { beforeEach, describe, expect, it } from 'vitest'
import type { Hold } from '#src/domain/hold.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { backends } from '../support/backends.ts'
import { answerOf, eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, type Rest, spawn } from '../support/rest.ts'
import { addUser, invalid, refusal, UNKNOWN, useApp } from './suite.ts'

type Released = { success: true; message: string; affected_count: number }

describe.each(backends)('a hold on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let rest: Rest
  let holds: string
  beforeEach(async () => {
    rest = running().rest
    fleet = await createFleet(rest)
    holds = `/projects/${fleet.project_id}/holds`
  })

  const support = { labels: { team: 'support' } }
  const working = (own: object = {}) => spawn(fleet, { status: 'working', ...own })
  const path = ({ id }: Agent, action = '') => `${fleet.agents}/${id}${action}`
  const get = async (agent: Agent) => (await rest.get<Agent>(path(agent))).body
  const place = async (body: object = {}) => {
    const answer = await rest.post<Hold>(holds, { reason: 'storm', ...body })
    expect(answer).toMatchObject({ status: 201 })
    return answer.body
  }
  const release = async ({ id }: Hold, body?: object) => {
    const answer = await rest.delete<Released>(`${holds}/${id}`, body)
    expect(answer).toMatchObject({ status: 200, body: { success: true } })
    return answer.body.affected_count
  }
  const by = ({ id }: Hold) => ({ kind: 'hold', id })
  const byParent = ({ id }: Agent) => ({ kind: 'parent', id })
  const held = 'Agent is held: storm'
  const readEvents = async (after = 0) =>
    (await rest.get<{ data: EventFrame[] }>(`/projects/${fleet.project_id}/events?after=${after}&limit=1000`))
      .body.data

  it('pauses what matches, with descendants, and answers once all are paused', async () => {
    const parent = await working(support)
    const child = await working({ parent_id: parent.id })
    const grandchild = await working({ parent_id: child.id })
    const paused = await spawn(fleet, support)
    await rest.post(path(paused, '/pause'), { reason: 'mine' })
    const other = await working()
    const hold = await place({ selector: 'team=support', mode: 'interrupt' })
    expect(hold).toEqual({
      id: expect.any(String),
      project_id: fleet.project_id,
      group_id: null,
      reason: 'storm',
      selector: 'team=support',
      agent_type_id: null,
      mode: 'interrupt',
      until: null,
      cause: { kind: 'order', id: null },
      created_by: { kind: 'user', id: expect.any(String) },
      created_at: expect.any(String),
      released_at: null,
      released_by: null,
      affected_count: 3,
    })
    expect(await get(parent)).toMatchObject({
      status: 'paused',
      holds: [hold.id],
      control: { cause: by(hold), reason: 'storm', mode: 'interrupt', requested_by: hold.created_by },
    })
    for (const one of [child, grandchild])
      expect(await get(one)).toMatchObject({
        status: 'paused',
        holds: [],
        control: { cause: byParent(parent), reason: 'storm', mode: 'interrupt' },
      })
    expect(await get(paused)).toMatchObject({
      holds: [hold.id],
      control: { cause: { kind: 'order' }, reason: 'mine' },
    })
    expect(await get(other)).toMatchObject({ status: 'working', holds: [] })
    const [placed, ...rest_] = (await readEvents()).slice(6)
    expect(placed).toMatchObject({
      name: 'project.hold_placed',
      agent: null,
      hold: { ...hold, affected_count: 0 },
    })
    expect(rest_.map(({ name }) => name).sort()).toEqual([
      'agent.status_changed',
      'agent.status_changed',
      'agent.status_changed',
      'agent.updated',
    ])
    expect(await release(hold)).toBe(3)
    for (const one of [parent, child, grandchild])
      expect(await get(one)).toMatchObject({ status: 'idle', holds: [] })
    expect(await get(parent)).toMatchObject({ control: { kind: 'resume', cause: by(hold) } })
    expect(await get(paused)).toMatchObject({ status: 'paused', holds: [] })
    const { body } = await rest.get<Hold>(`${holds}/${hold.id}`)
    expect(body).toMatchObject({
      affected_count: 3,
      released_at: expect.any(String),
      released_by: hold.created_by,
    })
    expect(await rest.delete(`${holds}/${hold.id}`)).toEqual(
      refusal(422, 'VAL_001', { message: 'Hold is already released' }),
    )
  })

  it('covers what comes later: spawns, new labels, resumes', async () => {
    const outside = await working()
    const hold = await place({ selector: 'team=support' })
    const late = await spawn(fleet, { ...support, status: 'working' })
    expect(late).toMatchObject({ status: 'paused', holds: [hold.id], control: { cause: by(hold) } })
    const own = await spawn(fleet, { ...support, status: 'paused' })
    expect(own).toMatchObject({ status: 'paused', control: { cause: { kind: 'order', id: null } } })
    const child = await working({ parent_id: outside.id })
    const relabelled = await rest.patch<Agent>(path(outside), { labels: { team: 'support' } })
    expect(relabelled.body).toMatchObject({
      status: 'paused',
      holds: [hold.id],
      control: { cause: by(hold) },
    })
    expect(await get(child)).toMatchObject({ status: 'paused', control: { cause: byParent(outside) } })
    const refused = refusal(422, 'VAL_001', { message: held, field: 'status' })
    expect(await rest.post(path(late, '/resume'))).toEqual(refused)
    expect(await rest.patch(path(late), { status: 'idle' })).toEqual(refused)
    const bulk = await rest.post(`${fleet.agents}/actions`, { action: 'resume', ids: [late.id] })
    expect(bulk.body).toMatchObject({ affected_count: 0, skipped: [{ id: late.id, message: held }] })
    // The labels decide: out of the hold, it goes on, and those below with it.
    const left = await rest.patch<Agent>(path(outside), { labels: { team: null } })
    expect(left.body).toMatchObject({ status: 'idle', holds: [], control: { cause: by(hold) } })
    expect(await get(child)).toMatchObject({ status: 'idle' })
    expect(await release(hold)).toBe(1)
    expect(await get(own)).toMatchObject({ status: 'paused', holds: [] })
    expect((await rest.get<Hold>(`${holds}/${hold.id}`)).body.affected_count).toBe(2)
  })

  it('of several, the oldest counts; an agent goes on when none is left', async () => {
    const agent = await working(support)
    const first = await place()
    const second = await place({ reason: 'flood', selector: 'team=support' })
    expect(await get(agent)).toMatchObject({ holds: [first.id, second.id], control: { reason: 'storm' } })
    expect(await release(first)).toBe(0)
    expect(await get(agent)).toMatchObject({ status: 'paused', holds: [second.id] })
    expect(await rest.post(path(agent, '/resume'))).toEqual(
      refusal(422, 'VAL_001', { message: 'Agent is held: flood', field: 'status' }),
    )
    expect(await release(second)).toBe(1)
    expect(await get(agent)).toMatchObject({ status: 'idle', holds: [] })
  })

  it('lets go on what came due or whose parent runs again meanwhile, and forgets the ended', async () => {
    const parent = await working()
    const child = await working({ ...support, parent_id: parent.id })
    const timed = await working(support)
    const ended = await working(support)
    await rest.post(path(parent, '/pause'))
    await rest.post(path(timed, '/pause'), { resume_after: 1 })
    const hold = await place({ selector: 'team=support' })
    await rest.post(path(parent, '/resume'))
    expect(await get(child)).toMatchObject({ status: 'paused', control: { cause: byParent(parent) } })
    await rest.delete(path(ended))
    expect(await get(ended)).toMatchObject({ status: 'terminated', holds: [] })
    const resume_at = Date.parse((await get(timed)).control?.resume_at ?? '')
    await eventually(() => Date.now() > resume_at + 1_000)
    expect(await get(timed)).toMatchObject({ status: 'paused' })
    expect(await release(hold)).toBe(2)
    expect(await get(timed)).toMatchObject({ status: 'idle', control: { cause: { kind: 'timer' } } })
    expect(await get(child)).toMatchObject({ status: 'idle' })
  })

  it('ends at its time, and resumes agents one after the other if asked to', async () => {
    const agents = await Promise.all(Array.from({ length: 4 }, () => working(support)))
    const timed = await place({ selector: 'team=support', for: 1 })
    const ended = await answerOf(async () => {
      const { body } = await rest.get<Hold>(`${holds}/${timed.id}`)
      return body.released_at === null ? undefined : body
    })
    expect(ended.released_by).toEqual({ kind: 'system', id: null })
    expect(Date.parse(ended.released_at ?? '') - Date.parse(timed.until ?? '')).toBeLessThan(2_000)
    await eventually(async () =>
      (await Promise.all(agents.map(get))).every(({ status }) => status === 'idle'),
    )
    const slow = await place({ selector: 'team=support' })
    expect(await release(slow, { over_seconds: 2 })).toBe(4)
    const times = (await Promise.all(agents.map(get))).map(({ control, status, holds }) => {
      expect(holds).toEqual([])
      return status === 'idle' ? null : Date.parse(control?.resume_at ?? '')
    })
    const released = (await rest.get<Hold>(`${holds}/${slow.id}`)).body.released_at ?? ''
    const offsets = times.map((time, place) => (time === null ? place * 500 : time - Date.parse(released)))
    expect(offsets.toSorted((one, other) => one - other)).toEqual([0, 500, 1_000, 1_500])
    await eventually(async () =>
      (await Promise.all(agents.map(get))).every(({ status }) => status === 'idle'),
    )
    expect(await get(agents[3] as Agent)).toMatchObject({ control: { cause: by(slow) } })
  })

  it('leaves an agent paused that a person pauses while it waits for its turn', async () => {
    const [first, second] = [await working(), await working()]
    const slow = await place()
    expect(await release(slow, { over_seconds: 3_600 })).toBe(2)
    const waiting = (await get(first)).status === 'paused' ? first : second
    const { status, body } = await rest.post<Agent>(`${fleet.agents}/${waiting.id}/pause`, { reason: 'stay' })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { control: { reason: 'stay', cause: { kind: 'order' }, resume_at: null } },
    })
    const again = await rest.post(`${fleet.agents}/${waiting.id}/pause`, {})
    expect(again).toMatchObject({ status: 422 })
  })

  it('says what is wrong with a request', async () => {
    for (const [body, field] of [
      [{}, 'reason'],
      [{ reason: ' ' }, 'reason'],
      [{ reason: 'r'.repeat(501) }, 'reason'],
      [{ reason: 'r', selector: 'a in' }, 'selector'],
      [{ reason: 'r', mode: 'now' }, 'mode'],
      [{ reason: 'r', for: 0 }, 'for'],
      [{ reason: 'r', for: 31_536_001 }, 'for'],
      [{ reason: 'r', for: 5, until: '2999-01-01T00:00:00Z' }, 'until'],
      [{ reason: 'r', until: '2001-01-01T00:00:00Z' }, 'until'],
    ] as const)
      expect(await rest.post(holds, body)).toEqual(invalid(field))
    const type = { message: `Agent type ${UNKNOWN} not found` }
    expect(await rest.post(holds, { reason: 'r', agent_type_id: UNKNOWN })).toEqual(
      refusal(404, 'SYS_002', type),
    )
    const unknown = { message: `Hold ${UNKNOWN} not found in project ${fleet.project_id}` }
    for (const answer of [await rest.get(`${holds}/${UNKNOWN}`), await rest.delete(`${holds}/${UNKNOWN}`)])
      expect(answer).toEqual(refusal(404, 'SYS_002', unknown))
    const hold = await place()
    expect(await rest.delete(`${holds}/${hold.id}`, { over_seconds: 3_601 })).toEqual(invalid('over_seconds'))
    expect(await rest.delete(`${holds}/${hold.id}`, { over_seconds: 1.5 })).toEqual(invalid('over_seconds'))
  })

  it('is answered once for an Idempotency-Key, as it was first', async () => {
    await working()
    const post = () => rest.call<Hold>('POST', holds, { reason: 'once' }, { 'idempotency-key': 'a-hold' })
    const [one, two] = await Promise.all([post(), post()])
    expect(one).toMatchObject({ status: 201, body: { affected_count: 1 } })
    expect(two.body).toEqual(one.body)
    expect(one.headers.get('location')).toBe(`/api/v1${holds}/${one.body.id}`)
    await spawn(fleet)
    expect((await post()).body).toEqual(one.body)
    expect((await rest.get<{ data: Hold[] }>(`${holds}?active=true`)).body.data).toHaveLength(1)
  })

  it('of all projects is placed in each, also in new ones, and released by superusers alone', async () => {
    const other = await createFleet(rest)
    const agent = await working()
    const operator = await addUser(rest)
    await rest.put(`/projects/${fleet.project_id}/members/${operator.id}`, { role: 'operator' })
    expect(await operator.rest.post('/holds', { reason: 'storm' })).toMatchObject({ status: 403 })
    const { status, body: group } = await rest.post<Hold>('/holds', { reason: 'storm' })
    expect({ status, group }).toMatchObject({ status: 201, group: { project_id: null, reason: 'storm' } })
    expect(group.affected_count).toBeGreaterThanOrEqual(1)
    const later = await createFleet(rest)
    const memberOf = async ({ project_id }: Fleet) =>
      (await rest.get<{ data: Hold[] }>(`/projects/${project_id}/holds?active=true`)).body.data
    for (const one of [fleet, other, later])
      expect(await memberOf(one)).toMatchObject([{ group_id: group.id, project_id: one.project_id }])
    expect(await spawn(later)).toMatchObject({ status: 'paused' })
    const [member] = await memberOf(fleet)
    expect(await get(agent)).toMatchObject({ status: 'paused', holds: [member?.id] })
    expect(await operator.rest.delete(`${holds}/${member?.id}`)).toMatchObject({ status: 403 })
    expect((await rest.get<{ data: Hold[] }>('/holds?active=true')).body.data).toMatchObject([
      { id: group.id },
    ])
    const gone = await rest.delete<Released>(`/holds/${group.id}`)
    expect(gone.body.affected_count).toBeGreaterThanOrEqual(2)
    expect(await get(agent)).toMatchObject({ status: 'idle', holds: [] })
    expect(await rest.delete(`/holds/${group.id}`)).toMatchObject({ status: 422 })
    expect(await memberOf(later)).toEqual([])
  })
})
