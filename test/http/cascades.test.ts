import { beforeEach, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { answerOf } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { invalid, readLog, refusal, useApp } from './suite.ts'

type Bulk = { affected_count: number; skipped: { id: string; message: string }[]; message: string }

describe.each(backends)('an order in a tree on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let a: Agent
  let b: Agent
  let c: Agent
  let d: Agent
  let all: Agent[]
  /** a ─ b ─ c, a ─ d, and an agent beside them. */
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
    const beside = await spawn(fleet, { status: 'working' })
    a = await spawn(fleet, { status: 'working' })
    b = await under(a)
    c = await under(b)
    d = await under(a)
    all = [a, b, c, d, beside]
  })

  const under = (parent: Agent, own: object = {}) =>
    spawn(fleet, { parent_id: parent.id, status: 'working', ...own })
  const path = (agent: Agent, action = '') => `${fleet.agents}/${agent.id}${action}`
  const post = (agent: Agent, action: string, body?: object) =>
    fleet.rest.post<Agent>(path(agent, `/${action}`), body)
  const act = (body: object) => fleet.rest.post<Bulk>(`${fleet.agents}/actions`, body)
  const get = async (agent: Agent) => (await fleet.rest.get<Agent>(path(agent))).body
  const statuses = async (agents = all) =>
    (await Promise.all(agents.map(get))).map(({ status }) => status).join(' ')
  const causes = async (agents = all) =>
    Promise.all(agents.map(async (agent) => (await get(agent)).control?.cause))
  const order = { kind: 'order', id: null }
  const byParent = ({ id }: Agent) => ({ kind: 'parent', id })
  const newest = () => readLog(fleet.rest, fleet.project_id, all.length)

  it('pauses the descendants with it, each with its event, and answers with the one agent', async () => {
    const memory = { step: 1 }
    await fleet.rest.patch(path(a), { short_term_memory: memory })
    const { status, body } = await post(a, 'pause', { reason: 'storm', resume_after: 600, mode: 'interrupt' })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: a.id, status: 'paused', short_term_memory: memory, control: { cause: order } },
    })
    expect(body).toEqual(await get(a))
    expect(await statuses()).toBe('paused paused paused paused working')
    const events = (await newest()).slice(1)
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4].map((n) => all.length + 1 + n))
    expect(events.map(({ agent }) => agent.id).sort()).toEqual([a, b, c, d].map(({ id }) => id).sort())
    for (const { agent, ...event } of events) {
      const { short_term_memory: _, ...now } = await get(agent as Agent)
      expect(agent).toEqual(now)
      expect(event).toMatchObject({ name: 'agent.status_changed', from: 'working', to: 'paused' })
      expect(event.signal).toMatchObject({ kind: 'pause', reason: 'storm', mode: 'interrupt' })
      if (agent.id === a.id) continue
      expect(agent.control).toMatchObject({ state: 'pending', resume_at: null, cause: byParent(a) })
    }
  })

  it('resumes exactly those that it paused, and those that started under them', async () => {
    await post(d, 'pause')
    await post(a, 'pause')
    const late = await under(c)
    const own = await under(c, { status: 'paused' })
    expect(late.control?.cause).toEqual(byParent(c))
    const { body } = await post(a, 'resume', { reason: 'over' })
    expect(body).toMatchObject({ id: a.id, status: 'idle', control: { reason: 'over', cause: order } })
    expect(await statuses([...all, late, own])).toBe('idle idle idle paused working idle paused')
    expect(await causes([b, c, d, late])).toEqual([byParent(a), byParent(a), order, byParent(c)])
    expect((await get(c)).control).toMatchObject({ kind: 'resume', reason: 'over', mode: null })
  })

  it('leaves a child that resumes by itself to itself', async () => {
    await post(a, 'pause')
    expect((await post(b, 'resume')).status).toBe(200)
    expect(await statuses()).toBe('paused idle paused paused working')
    await post(a, 'resume')
    expect(await statuses()).toBe('idle idle idle idle working')
  })

  it('leaves a child over its limit paused, and what was paused under that child', async () => {
    await post(a, 'pause')
    const late = await under(b)
    await fleet.rest.patch(path(b), { token_limit: 5, tokens_used: 5 })
    await post(a, 'resume')
    expect(await statuses([...all, late])).toBe('idle paused idle idle working paused')
    const raised = await fleet.rest.patch<Agent>(path(b), { token_limit: 6, status: 'idle' })
    expect(raised.status).toBe(200)
    expect(await statuses([b, late])).toBe('idle idle')
  })

  it('terminates every live descendant, below an ended one too', async () => {
    await fleet.rest.delete(`${path(b)}?cascade=false`)
    expect(await statuses()).toBe('working terminated working working working')
    const { status, body } = await fleet.rest.delete<object>(`${path(a)}?mode=now`, { reason: 'over' })
    expect({ status, body }).toEqual({
      status: 200,
      body: { success: true, message: "Agent 'Ada' has been terminated" },
    })
    expect(await statuses()).toBe('terminated terminated terminated terminated working')
    expect((await get(c)).control).toMatchObject({ mode: 'now', reason: 'over', cause: byParent(a) })
    const ended = (await newest()).filter(({ name }) => name === 'agent.terminated')
    expect(ended.map(({ agent }) => agent.id).slice(0, 2)).toEqual([b.id, a.id])
    expect(ended).toHaveLength(4)
  })

  it('stays with the one agent without cascade', async () => {
    await post(a, 'pause', { cascade: false })
    expect(await statuses()).toBe('paused working working working working')
    await post(a, 'resume')
    await post(a, 'pause', { cascade: true })
    await post(a, 'resume', { cascade: false })
    expect(await statuses()).toBe('idle paused paused paused working')
    await act({ action: 'terminate', ids: [a.id], cascade: false })
    expect(await statuses()).toBe('terminated paused paused paused working')
  })

  it('refuses a cascade that is neither true nor false', async () => {
    for (const cascade of ['true', 1, null]) {
      expect(await post(a, 'pause', { cascade })).toEqual(invalid('cascade'))
      expect(await post(a, 'resume', { cascade })).toEqual(invalid('cascade'))
      expect(await act({ action: 'pause', all: true, cascade })).toEqual(invalid('cascade'))
    }
    for (const cascade of ['1', '', 'True']) {
      expect(await fleet.rest.delete(`${path(a)}?cascade=${cascade}`)).toEqual(invalid('cascade'))
    }
    expect(await fleet.rest.delete(path(a), { cascade: false })).toEqual(invalid('cascade'))
    expect(await statuses()).toBe('working working working working working')
  })

  it('that cannot be taken changes nothing below', async () => {
    await post(a, 'pause', { cascade: false })
    const cannot = { message: 'Cannot transition from paused to paused', field: 'status' }
    expect(await post(a, 'pause')).toEqual(refusal(422, 'VAL_001', cannot))
    const { body } = await act({ action: 'pause', ids: [a.id] })
    expect(body).toMatchObject({ affected_count: 0, skipped: [{ id: a.id, message: cannot.message }] })
    expect(await statuses()).toBe('paused working working working working')
  })

  it('may be a PATCH of the status', async () => {
    const patched = await fleet.rest.patch<Agent>(path(a), {
      status: 'paused',
      short_term_memory: { step: 2 },
    })
    expect(patched.body).toMatchObject({ status: 'paused', short_term_memory: { step: 2 } })
    expect(patched.body).toEqual(await get(a))
    expect(await causes([a, b, c, d])).toEqual([order, byParent(a), byParent(a), byParent(a)])
    await fleet.rest.patch(path(a), { status: 'idle', current_task: 'drive' })
    expect(await get(a)).toMatchObject({ short_term_memory: { step: 2 }, current_task: 'drive' })
    expect(await statuses()).toBe('idle idle idle idle working')
    await fleet.rest.patch(path(a), { status: 'working' })
    expect(await statuses()).toBe('working idle idle idle working')
    await fleet.rest.patch(path(b), { status: 'terminated' })
    expect(await statuses()).toBe('working terminated terminated idle working')
  })

  it('may be a PATCH that also takes a name, from an ended agent but not from a live one', async () => {
    await fleet.rest.patch(path(d), { external_id: 'desk' })
    const patch = { status: 'paused', external_id: 'desk' }
    expect((await fleet.rest.patch(path(a), patch)).status).toBe(409)
    expect(await statuses()).toBe('working working working working working')
    await fleet.rest.delete(path(d))
    expect((await fleet.rest.patch<Agent>(path(a), patch)).body).toMatchObject(patch)
    expect((await get(d)).external_id).toBeNull()
    expect(await statuses()).toBe('paused paused paused terminated working')
  })

  it('is not what a limit does to its own agent', async () => {
    await fleet.rest.patch(path(a), { token_limit: 5, tokens_used: 5 })
    expect(await statuses()).toBe('paused working working working working')
    const late = await under(a)
    expect(late).toMatchObject({ status: 'paused', control: { reason: 'budget', cause: byParent(a) } })
    await fleet.rest.patch(path(a), { token_limit: 6 })
    await post(a, 'resume')
    expect(await statuses([a, late])).toBe('idle idle')
  })

  it('for many counts each agent once: a named one by the order, the others through the nearest', async () => {
    const late = await under(d)
    await post(d, 'pause', { cascade: false })
    const { body } = await act({ action: 'pause', ids: [a.id, b.id, d.id], reason: 'storm' })
    expect(body).toEqual({
      success: true,
      message: '4 agents paused, 1 skipped',
      affected_count: 4,
      skipped: [{ id: d.id, message: 'Cannot transition from paused to paused' }],
    })
    expect(await causes([a, b, c, d, late])).toEqual([order, order, byParent(b), order, byParent(a)])
    expect((await act({ action: 'resume', ids: [a.id] })).body).toMatchObject({ affected_count: 2 })
    expect(await statuses([a, b, c, d, late])).toBe('idle paused paused paused idle')
    expect((await act({ action: 'terminate', ids: [a.id] })).body).toMatchObject({ affected_count: 5 })
  })

  it('for all of a status reaches the descendants in another one', async () => {
    for (const agent of [a, d]) await fleet.rest.patch(path(agent), { status: 'waiting' })
    await fleet.rest.delete(`${path(b)}?cascade=false`)
    const { body } = await act({ action: 'pause', all: true, status: 'waiting' })
    expect(body).toMatchObject({ affected_count: 3, skipped: [] })
    expect(await statuses()).toBe('paused terminated paused paused working')
    expect(await causes([a, c, d])).toEqual([order, byParent(a), order])
  })

  it('for what a selector finds reaches descendants that it does not find', async () => {
    await fleet.rest.patch(path(b), { labels: { team: 'found' } })
    const found = { all: true, selector: 'team=found' }
    expect((await act({ action: 'pause', ...found, cascade: false })).body.affected_count).toBe(1)
    expect(await statuses()).toBe('working paused working working working')
    await act({ action: 'resume', ...found })
    expect((await act({ action: 'pause', ...found })).body).toMatchObject({ affected_count: 2, skipped: [] })
    expect(await causes([b, c])).toEqual([order, byParent(b)])
    expect(await statuses()).toBe('working paused paused working working')
    expect((await act({ action: 'terminate', ...found })).body.affected_count).toBe(2)
  })

  it('for named agents of a status reaches a named descendant in another one, and skips others', async () => {
    await fleet.rest.patch(path(b), { status: 'waiting' })
    const body = { action: 'pause', status: 'waiting', ids: [b.id, c.id, d.id] }
    const skipped = [{ id: d.id, message: 'Agent is working, not waiting' }]
    expect((await act(body)).body).toMatchObject({ affected_count: 2, skipped })
    expect(await causes([b, c])).toEqual([order, byParent(b)])
  })

  it('for all is an order for each', async () => {
    expect((await act({ action: 'pause', all: true })).body).toMatchObject({ affected_count: 5 })
    expect(await causes()).toEqual(all.map(() => order))
  })

  it('ends with its timer for all that it paused', async () => {
    await post(a, 'pause', { resume_after: 1 })
    const resumed = await answerOf(async () => {
      const events = await newest()
      return events.filter(({ from }) => from === 'paused').length === 4 ? events : undefined
    }, 20_000)
    expect(resumed.slice(-4).map(({ actor }) => actor)).toEqual(
      Array.from({ length: 4 }, () => ({ kind: 'system', id: null })),
    )
    expect(await statuses()).toBe('idle idle idle idle working')
    expect(await causes([a, b, c])).toEqual([{ kind: 'timer', id: null }, byParent(a), byParent(a)])
  })

  it('with an Idempotency-Key is given once', async () => {
    const headers = { 'idempotency-key': unique('order') }
    const give = () => fleet.rest.call<Agent>('POST', path(a, '/pause'), { reason: 'storm' }, headers)
    const answers = await Promise.all([give(), give(), give()])
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: answers[0]?.body })
    expect(await statuses()).toBe('paused paused paused paused working')
    expect(await newest()).toHaveLength(4)
    const again = { 'idempotency-key': unique('order') }
    expect((await fleet.rest.call('POST', path(d, '/pause'), {}, again)).status).toBe(422)
    expect((await fleet.rest.call('POST', path(d, '/resume'), {}, again)).status).toBe(200)
    const bulk = { 'idempotency-key': unique('order') }
    const body = { action: 'resume', ids: [a.id] }
    const { body: resumed } = await fleet.rest.call<Bulk>('POST', `${fleet.agents}/actions`, body, bulk)
    expect(resumed.affected_count).toBe(3)
    expect(await statuses()).toBe('idle idle idle idle working')
  })
})
