import { describe, expect, it } from 'vitest'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { type Page, readAudit } from './audit.ts'
import { invalid, readLog, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

/** Lets the windows of a project's budgets end within a moment. */
const endWindows = statement(
  'test_end_windows',
  `with held as (update holds set until = now() + interval '0.3 s' where project_id = $1)
   update budgets set resets_at = now() + interval '0.3 s' where project_id = $1`,
)
/** Copies a budget so many times. */
const copyBudget = statement(
  'test_copy_budget',
  `with copied as (
     insert into budgets select (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid()))).*
     from budgets b, generate_series(1, $3::int) where b.id = $1
   )
   update projects set budget_count = budget_count + $3::int where id = $2`,
)
const daily = { name: 'Search, by day', metric: 'cost', limit: '10', window: 'day' }

describe.each(backends)('budgets on $name', (backend) => {
  const running = useApp(backend)
  const fresh = () => createFleet(running().rest)
  const path = ({ project_id }: Fleet, ...rest: string[]) =>
    ['', 'projects', project_id, 'budgets', ...rest].join('/')
  const create = async (fleet: Fleet, own: object = {}) => {
    const answer = await fleet.rest.post<ProjectBudget>(path(fleet), { ...daily, ...own })
    expect(answer).toMatchObject({ status: 201 })
    return answer.body
  }
  const read = async (fleet: Fleet, { id }: ProjectBudget) =>
    (await fleet.rest.get<ProjectBudget>(path(fleet, id))).body
  const update = (fleet: Fleet, { id }: ProjectBudget, patch: object) =>
    fleet.rest.patch<ProjectBudget>(path(fleet, id), patch)
  const agentOf = async ({ rest, agents }: Fleet, { id }: Agent) =>
    (await rest.get<Agent>(`${agents}/${id}`)).body
  const use = async ({ rest, agents }: Fleet, { id }: Agent, counters: object) =>
    (await rest.patch<Agent>(`${agents}/${id}`, counters)).body
  const act = ({ rest, agents }: Fleet, { id }: Agent, action: string) =>
    rest.post<Agent>(`${agents}/${id}/${action}`)
  const statuses = async (fleet: Fleet, ...all: Agent[]) =>
    (await Promise.all(all.map((agent) => agentOf(fleet, agent)))).map(({ status }) => status)

  it('are created with defaults, read, listed newest first, changed and deleted', async () => {
    const fleet = await fresh()
    const { rest } = fleet
    const first = await create(fleet)
    expect(first).toEqual({
      ...daily,
      id: expect.any(String),
      project_id: fleet.project_id,
      limit: '10.0000',
      spent: '0.0000',
      timezone: 'UTC',
      selector: null,
      agent_type_id: null,
      agent_id: null,
      warn_at: [0.8],
      action: 'hold',
      mode: 'checkpoint',
      starts_at: expect.stringMatching(/T00:00:00\.000Z$/),
      resets_at: expect.stringMatching(/T00:00:00\.000Z$/),
      state: 'ok',
      hold_id: null,
      created_by: { kind: 'user', id: expect.any(String) },
      created_at: expect.any(String),
    })
    const own = { metric: 'tokens', limit: 500, window: 'none', agent_type_id: fleet.agent_type_id }
    const second = await create(fleet, {
      ...own,
      selector: 'team=search',
      warn_at: [0.9, 0.5],
      mode: 'interrupt',
    })
    expect(second).toMatchObject({ ...own, spent: 0, warn_at: [0.9, 0.5], resets_at: null })
    expect(second.starts_at).toBe(second.created_at)
    const { body } = await rest.get<Page<ProjectBudget>>(path(fleet))
    expect(body.data).toEqual([second, first])
    expect(await read(fleet, first)).toEqual(first)
    const patch = { name: 'Other', limit: 12.5, warn_at: [], action: 'notify', mode: 'interrupt' }
    expect((await update(fleet, first, patch)).body).toEqual({ ...first, ...patch, limit: '12.5000' })
    expect(await rest.delete(path(fleet, first.id))).toMatchObject({ status: 200, body: { success: true } })
    expect(await rest.get(path(fleet, first.id))).toEqual(
      refusal(404, 'SYS_002', { message: `Budget ${first.id} not found in project ${fleet.project_id}` }),
    )
    const actions = (await readAudit(rest)).filter(({ project_id }) => project_id === fleet.project_id)
    expect(actions.map(({ action }) => action)).toEqual([
      'budget_deleted',
      'budget_updated',
      'budget_created',
      'budget_created',
    ])
  })

  it.each(
    wrongValues(
      ['name', ''],
      ['metric', 'money'],
      ['limit', '0'],
      ['limit', '1.23456'],
      ['limit', null],
      ['window', 'year'],
      ['timezone', 'Berlin'],
      ['selector', 'team='],
      ['agent_type_id', 'x'],
      ['warn_at', [1, 2, 3, 4, 5, 6].map((n) => n / 10)],
      ['warn_at', [0.5, 0.5]],
      ['action', 'pause'],
      ['mode', 'now'],
      ['color', 'red'],
    ).filter(({ field, value }) => field !== 'selector' || value !== 'team='),
  )('a $field of $shown is refused', async ({ field, value }) => {
    const fleet = await fresh()
    expect(await fleet.rest.post(path(fleet), { ...daily, [field]: value })).toEqual(invalid(field))
  })

  it('refuse fractions, scopes and changes that make no sense', async () => {
    const fleet = await fresh()
    const { rest } = fleet
    const post = (own: object) => rest.post(path(fleet), { ...daily, ...own })
    expect(await post({ warn_at: [0.5, 1.5, 0] })).toEqual(invalid('warn_at.1', 'warn_at.2'))
    expect(await post({ selector: 'team in' })).toEqual(invalid('selector'))
    const agent = await spawn(fleet)
    expect(await post({ agent_id: agent.id, selector: 'team=search' })).toEqual(invalid('agent_id'))
    expect(await post({ agent_id: agent.id, agent_type_id: fleet.agent_type_id })).toEqual(
      invalid('agent_id'),
    )
    expect(await post({ metric: 'tokens', limit: '5' })).toEqual(invalid('limit'))
    const budget = await create(fleet)
    expect(await update(fleet, budget, { window: 'month' })).toEqual(invalid('window'))
    expect(await update(fleet, budget, { limit: '0' })).toEqual(invalid('limit'))
    const elsewhere = await spawn(await fresh())
    for (const agent_id of [elsewhere.id, UNKNOWN]) {
      const message = `Agent ${agent_id} not found in project ${fleet.project_id}`
      expect(await post({ agent_id })).toEqual(refusal(404, 'SYS_002', { message }))
    }
    const message = `Agent type ${UNKNOWN} not found`
    expect(await post({ agent_type_id: UNKNOWN })).toEqual(refusal(404, 'SYS_002', { message }))
    for (const call of [rest.get, rest.delete]) {
      expect(await call.call(rest, path(fleet, UNKNOWN))).toMatchObject({ status: 404 })
    }
    expect(await rest.get(path(fleet, UNKNOWN, 'windows'))).toMatchObject({ status: 404 })
  })

  it('are at most 100 a project', async () => {
    const fleet = await fresh()
    const { id } = await create(fleet)
    await running().app.database.run(copyBudget, [id, fleet.project_id, 98])
    const post = () => fleet.rest.post<ProjectBudget>(path(fleet), daily)
    const both = (await Promise.all([post(), post()])).sort((one, other) => one.status - other.status)
    expect(both[0]).toMatchObject({ status: 201 })
    expect(both[1]).toEqual(refusal(409, 'DB_002', { message: 'A project has at most 100 budgets' }))
    await fleet.rest.delete(path(fleet, id))
    await create(fleet)
  })

  it('add what a PATCH adds to counters, give nothing back, and tell of each fraction once', async () => {
    const fleet = await fresh()
    const [searching, other] = [await spawn(fleet, { labels: { team: 'search' } }), await spawn(fleet)]
    await use(fleet, searching, { cost_incurred: '3', tokens_used: 100 })
    const notify = { action: 'notify', warn_at: [0.5, 0.8], window: 'none' }
    const all = await create(fleet, notify)
    const team = await create(fleet, { ...notify, selector: 'team=search', metric: 'tokens', limit: 10 })
    await use(fleet, searching, { cost_incurred: '8.5', tokens_used: 104 })
    await use(fleet, searching, { cost_incurred: '1', tokens_used: 103 })
    await use(fleet, other, { cost_incurred: '2.9999', tokens_used: 50 })
    expect(await read(fleet, all)).toMatchObject({ spent: '8.4999', state: 'warned' })
    expect(await read(fleet, team)).toMatchObject({ spent: 4, state: 'ok' })
    await use(fleet, other, { cost_incurred: '4.5000' })
    const exceeded = await read(fleet, all)
    expect(exceeded).toMatchObject({ spent: '10.0000', state: 'exceeded', hold_id: null })
    const log = await readLog(fleet.rest, fleet.project_id)
    const news = log.filter(({ agent }) => agent === null)
    expect(news).toMatchObject([
      {
        name: 'project.budget_warning',
        fraction: 0.5,
        budget: { id: all.id, spent: '5.5000', state: 'warned' },
      },
      { name: 'project.budget_warning', fraction: 0.8, budget: { spent: '8.4999' } },
      { name: 'project.budget_exceeded', budget: exceeded, actor: { kind: 'user' } },
    ])
    expect(news[2]).not.toHaveProperty('fraction')
    expect(await statuses(fleet, searching, other)).toEqual(['idle', 'idle'])
  })

  describe('with a hold', () => {
    const reason = 'Budget Search, by day is used up'
    const team = { labels: { team: 'search' } }
    /** The agent that uses up the budget has a child that the budget does not include. */
    const setUp = async (own: object = {}) => {
      const fleet = await fresh()
      const [spender, other, outsider] = [
        await spawn(fleet, team),
        await spawn(fleet, team),
        await spawn(fleet),
      ]
      const child = await spawn(fleet, { parent_id: spender.id, status: 'working' })
      const budget = await create(fleet, { selector: 'team=search', warn_at: [], ...own })
      return { fleet, spender, other, outsider, child, budget }
    }
    const isPaused = (fleet: Fleet, ...agents: Agent[]) =>
      eventually(async () => (await statuses(fleet, ...agents)).every((status) => status === 'paused'))

    it('stop the agent that reached the limit in the same transaction, then the others and its descendants', async () => {
      const { fleet, spender, other, outsider, child, budget } = await setUp({ mode: 'interrupt' })
      const after = (await readLog(fleet.rest, fleet.project_id)).length
      const stopped = await use(fleet, spender, { cost_incurred: '10' })
      const exceeded = await read(fleet, budget)
      const { hold_id } = exceeded
      expect(exceeded).toMatchObject({ state: 'exceeded', hold_id: expect.any(String) })
      const cause = { kind: 'budget', id: budget.id }
      const control = { cause, reason, mode: 'interrupt', requested_by: { kind: 'system', id: null } }
      expect(stopped).toMatchObject({ status: 'paused', holds: [hold_id], control })
      const log = await readLog(fleet.rest, fleet.project_id, after)
      const hold = {
        id: hold_id,
        reason,
        selector: 'team=search',
        mode: 'interrupt',
        until: budget.resets_at,
        cause,
      }
      expect(log.slice(0, 4)).toMatchObject([
        { name: 'agent.updated', agent: { id: spender.id, status: 'idle', cost_incurred: '10.0000' } },
        { name: 'project.budget_exceeded', agent: null, budget: exceeded },
        { name: 'project.hold_placed', agent: null, hold },
        { name: 'agent.budget_exceeded', from: 'idle', to: 'paused', signal: { kind: 'pause', reason } },
      ])
      await isPaused(fleet, other, child)
      expect((await agentOf(fleet, other)).control?.cause).toEqual({ kind: 'hold', id: hold_id })
      expect((await agentOf(fleet, child)).control?.cause).toEqual({ kind: 'parent', id: spender.id })
      expect((await agentOf(fleet, outsider)).status).toBe('idle')
      expect(await spawn(fleet, team)).toMatchObject({
        status: 'paused',
        control: { cause: { kind: 'hold', id: hold_id } },
      })
      expect(await act(fleet, spender, 'resume')).toEqual(
        refusal(422, 'VAL_001', { message: `Agent is held: ${reason}`, field: 'status' }),
      )
      await update(fleet, budget, { name: 'Search' })
      expect(await fleet.rest.delete(`/projects/${fleet.project_id}/holds/${hold_id}`)).toEqual(
        refusal(422, 'VAL_001', { message: 'Raise the limit of budget Search' }),
      )
    })

    it('resume all that they have paused, and nothing else, once the limit is raised', async () => {
      const { fleet, spender, other, outsider, child, budget } = await setUp()
      await act(fleet, outsider, 'pause')
      await use(fleet, spender, { cost_incurred: '10' })
      await isPaused(fleet, other, child)
      const born = await spawn(fleet, team)
      const { hold_id } = await read(fleet, budget)
      await use(fleet, other, { cost_incurred: '2' })
      expect((await update(fleet, budget, { limit: '12' })).body).toMatchObject({
        state: 'exceeded',
        hold_id,
      })
      expect((await update(fleet, budget, { limit: '12.0001' })).body).toMatchObject({
        state: 'ok',
        hold_id: null,
      })
      expect(await statuses(fleet, spender, other, child, born)).toEqual(['idle', 'idle', 'idle', 'idle'])
      expect((await agentOf(fleet, outsider)).status).toBe('paused')
      const hold = await fleet.rest.get(`/projects/${fleet.project_id}/holds/${hold_id}`)
      expect(hold.body).toMatchObject({ released_by: { kind: 'user' }, affected_count: 4 })
    })

    it('act at once on a lower limit, and end with their deletion or with a milder action', async () => {
      const { fleet, spender, other, budget } = await setUp()
      await use(fleet, spender, { cost_incurred: '5' })
      const lowered = (await update(fleet, budget, { limit: '5' })).body
      expect(lowered).toMatchObject({ state: 'exceeded', spent: '5.0000', hold_id: expect.any(String) })
      expect(await statuses(fleet, spender, other)).toEqual(['paused', 'paused'])
      expect((await update(fleet, budget, { action: 'notify' })).body).toMatchObject({
        state: 'exceeded',
        hold_id: null,
      })
      expect(await statuses(fleet, spender, other)).toEqual(['idle', 'idle'])
      await update(fleet, budget, { action: 'hold' })
      expect(await statuses(fleet, spender, other)).toEqual(['paused', 'paused'])
      expect((await fleet.rest.delete(path(fleet, budget.id))).status).toBe(200)
      expect(await statuses(fleet, spender, other)).toEqual(['idle', 'idle'])
    })

    it('end with their windows without any request, in the hold and in a tree', async () => {
      const { fleet, spender, other, budget } = await setUp()
      const ofTree = await create(fleet, { agent_id: other.id })
      await use(fleet, other, { cost_incurred: '10' })
      await isPaused(fleet, spender, other)
      const { hold_id } = await read(fleet, budget)
      await running().app.database.run(endWindows, [fleet.project_id])
      await eventually(async () =>
        (await statuses(fleet, spender, other)).every((status) => status === 'idle'),
      )
      const hold = await fleet.rest.get(`/projects/${fleet.project_id}/holds/${hold_id}`)
      expect(hold.body).toMatchObject({ released_by: { kind: 'system', id: null } })
      for (const one of [budget, ofTree]) {
        expect(await read(fleet, one)).toMatchObject({ spent: '0.0000', state: 'ok', hold_id: null })
        const { body } = await fleet.rest.get<Page<object>>(path(fleet, one.id, 'windows'))
        expect(body.data).toEqual([
          {
            ...{ starts_at: one.starts_at, spent: '10.0000', limit: '10.0000' },
            ...{ ends_at: expect.any(String), exceeded_at: expect.any(String) },
          },
        ])
      }
    })

    it('of a type stop only agents of that type', async () => {
      const fleet = await fresh()
      const another = { ...(await fresh()), project_id: fleet.project_id, agents: fleet.agents }
      const [typed, other] = [await spawn(fleet), await spawn(another)]
      const budget = await create(fleet, {
        selector: null,
        agent_type_id: fleet.agent_type_id,
        window: 'none',
      })
      await use(fleet, other, { cost_incurred: '20' })
      expect((await read(fleet, budget)).spent).toBe('0.0000')
      await use(fleet, typed, { cost_incurred: '20' })
      expect(await statuses(fleet, typed, other)).toEqual(['paused', 'idle'])
      const { hold_id } = await read(fleet, budget)
      const hold = await fleet.rest.get(`/projects/${fleet.project_id}/holds/${hold_id}`)
      expect(hold.body).toMatchObject({ agent_type_id: fleet.agent_type_id, until: null })
    })
  })

  describe('of an agent', () => {
    /** A tree of three levels, with an agent beside it. */
    const grow = async () => {
      const fleet = await fresh()
      const top = await spawn(fleet)
      const root = await spawn(fleet, { parent_id: top.id })
      const child = await spawn(fleet, { parent_id: root.id, status: 'working' })
      const leaf = await spawn(fleet, { parent_id: child.id })
      const budget = await create(fleet, { agent_id: root.id, window: 'none', name: 'Crew' })
      return { fleet, top, root, child, leaf, budget }
    }
    const isOver = refusal(422, 'VAL_001', { message: 'Agent is over budget Crew', field: 'status' })

    it('pause it with its descendants, refuse to resume them, and resume them all with a higher limit', async () => {
      const { fleet, top, root, child, leaf, budget } = await grow()
      const reported = await use(fleet, child, { cost_incurred: '10.5' })
      const cause = { kind: 'budget', id: budget.id }
      const reason = 'Budget Crew is used up'
      expect(reported).toMatchObject({
        status: 'paused',
        control: { cause, reason, requested_by: { kind: 'system' } },
      })
      await eventually(async () => (await agentOf(fleet, leaf)).status === 'paused')
      expect(await statuses(fleet, top, root, child, leaf)).toEqual(['idle', 'paused', 'paused', 'paused'])
      expect(await agentOf(fleet, root)).toMatchObject({ control: { cause, reason } })
      expect((await agentOf(fleet, leaf)).control?.cause).toEqual({ kind: 'parent', id: root.id })
      for (const agent of [root, child, leaf]) expect(await act(fleet, agent, 'resume')).toEqual(isOver)
      expect(await fleet.rest.patch(`${fleet.agents}/${leaf.id}`, { status: 'idle' })).toEqual(isOver)
      const bulk = await fleet.rest.post(`${fleet.agents}/actions`, {
        action: 'resume',
        all: true,
        cascade: true,
      })
      expect(bulk.body).toMatchObject({ affected_count: 0 })
      const born = await spawn(fleet, { parent_id: leaf.id })
      expect(born).toMatchObject({ status: 'paused', control: { cause: { kind: 'parent', id: leaf.id } } })
      expect(await act(fleet, born, 'resume')).toEqual(isOver)
      expect((await update(fleet, budget, { limit: '10.4' })).body.state).toBe('exceeded')
      expect(await statuses(fleet, root, born)).toEqual(['paused', 'paused'])
      expect((await update(fleet, budget, { limit: '20' })).body).toMatchObject({ state: 'ok' })
      expect(await statuses(fleet, root, child, leaf, born)).toEqual(['idle', 'idle', 'idle', 'idle'])
      expect((await agentOf(fleet, root)).control).toMatchObject({ kind: 'resume', cause })
      const log = await readLog(fleet.rest, fleet.project_id)
      const paused = log.filter(({ to }) => to === 'paused' && to !== undefined)
      expect(paused.map(({ name, agent }) => [name, agent?.id])).toEqual([
        ['agent.budget_exceeded', child.id],
        ['agent.status_changed', root.id],
        ['agent.status_changed', leaf.id],
      ])
    })

    it('leave what people have paused, and what is over its own limit, when they end', async () => {
      const { fleet, root, child, leaf, budget } = await grow()
      await act(fleet, root, 'pause')
      await act(fleet, child, 'resume')
      await fleet.rest.patch(`${fleet.agents}/${leaf.id}`, { cost_limit: '5' })
      await act(fleet, leaf, 'resume')
      await use(fleet, leaf, { cost_incurred: '10' })
      await eventually(async () => (await agentOf(fleet, child)).status === 'paused')
      expect((await agentOf(fleet, child)).control?.cause).toEqual({ kind: 'budget', id: budget.id })
      expect((await fleet.rest.delete(path(fleet, budget.id))).status).toBe(200)
      expect(await statuses(fleet, root, child, leaf)).toEqual(['paused', 'idle', 'paused'])
      expect((await act(fleet, root, 'resume')).status).toBe(200)
      expect(await act(fleet, leaf, 'resume')).toMatchObject({
        body: { errors: [{ message: 'Agent is over its cost limit' }] },
      })
    })

    it('say their new name, and stop nothing any more once they only notify', async () => {
      const { fleet, root, child, budget } = await grow()
      await use(fleet, root, { cost_incurred: '10' })
      await eventually(async () => (await agentOf(fleet, child)).status === 'paused')
      await update(fleet, budget, { name: 'Team' })
      expect(await act(fleet, child, 'resume')).toMatchObject({
        body: { errors: [{ message: 'Agent is over budget Team' }] },
      })
      expect((await update(fleet, budget, { action: 'notify' })).body.state).toBe('exceeded')
      expect(await statuses(fleet, root, child)).toEqual(['idle', 'idle'])
      await update(fleet, budget, { action: 'hold' })
      expect(await statuses(fleet, root, child)).toEqual(['paused', 'paused'])
    })
  })
})
