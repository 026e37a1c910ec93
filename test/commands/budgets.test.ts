import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryBus } from '#src/bus/memory.ts'
import { type BudgetInput, createBudget, settleBudgets, updateBudget } from '#src/commands/budgets.ts'
import { ByProject } from '#src/commands/by-project.ts'
import { ProjectTurns } from '#src/commands/project-turns.ts'
import { attachAgent, reportAgent } from '#src/commands/runtime.ts'
import { WriteQueue } from '#src/commands/write-queue.ts'
import type { Principal } from '#src/domain/access.ts'
import { system } from '#src/domain/actor.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'
import { toBudget, toNow } from '#src/domain/spending.ts'
import { findAgent } from '#src/store/agents.ts'
import { findBudget, listBudgetPeriods } from '#src/store/budgets.ts'
import { statement } from '#src/store/database.ts'
import { useApp } from '../http/suite.ts'
import { backends, sharedBackends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'

const principal: Principal = {
  kind: 'user',
  id: '00000000-0000-4000-8000-00000000000a',
  role: 'superuser',
}
const defaults: Omit<BudgetInput, 'name'> = {
  metric: 'cost',
  limit: '10',
  window: 'none',
  timezone: 'UTC',
  selector: null,
  agent_type_id: null,
  agent_id: null,
  warn_at: [],
  action: 'hold',
  mode: 'checkpoint',
}

/** Writers of a process that has its time from `clock`, beside the app's own. */
function useWriters(app: ReturnType<typeof useApp>, clock: () => string) {
  const open = () => {
    const parts = { database: app().app.database, bus: createMemoryBus(), clock, turns: new ProjectTurns() }
    return { ...parts, writes: new WriteQueue(parts) }
  }
  let context: ReturnType<typeof open> | undefined
  const get = () => {
    context ??= open()
    return context
  }
  const leases = new Map<string, number>()
  const numbers = new Map<string, number>()
  return {
    get,
    create: ({ project_id }: Fleet, own: Partial<BudgetInput>) =>
      createBudget(get(), { project_id, principal }, { name: 'Team', ...defaults, ...own }),
    async report({ id: agent_id, project_id }: Agent, usage: object, n = (numbers.get(agent_id) ?? 0) + 1) {
      const target = { project_id, agent_id, actor: system }
      if (!leases.has(agent_id)) {
        const { agent } = await attachAgent(get(), target, { replica: principal.id })
        leases.set(agent_id, agent.lease)
      }
      numbers.set(agent_id, Math.max(n, numbers.get(agent_id) ?? 0))
      const lease = leases.get(agent_id) ?? 0
      const { agent } = await reportAgent(
        get(),
        { ...target, lease },
        { report: { n, usage }, said: () => [] },
      )
      return agent
    },
    settle: () => settleBudgets(get(), new ByProject(), 1_000),
    async show({ project_id, id: budget_id }: ProjectBudget) {
      const found = await findBudget(get().database, { project_id, budget_id }, clock())
      return found && toBudget(toNow(found).budget)
    },
    async windows({ id }: ProjectBudget, limit = 100) {
      return (await listBudgetPeriods(get().database, id, { limit, offset: 0, at: clock() })).rows
    },
    async agent({ project_id, id }: Agent) {
      return findAgent(get().database, project_id, id)
    },
  }
}

/** Past hours of a budget, the newest just before a time. */
const hours = statement(
  'test_insert_budget_periods',
  `insert into budget_periods (budget_id, starts_at, ends_at, spent, "limit")
   select $1::uuid, $2::timestamptz - n * interval '1 hour', $2::timestamptz - (n - 1) * interval '1 hour', 2, 3
   from generate_series(1, $3::int) n`,
)

/** Windows of the calendar with the instants at which they begin and end, worked out by hand. */
const calendar = [
  ['a day of 23 hours', 'day', 'Europe/Berlin', '2027-03-27T23:00:00.000Z', '2027-03-28T22:00:00.000Z'],
  ['a day of 25 hours', 'day', 'Europe/Berlin', '2027-10-30T22:00:00.000Z', '2027-10-31T23:00:00.000Z'],
  ['a month', 'month', 'America/New_York', '2027-11-01T04:00:00.000Z', '2027-12-01T05:00:00.000Z'],
  ['a week', 'week', 'Asia/Kathmandu', '2028-02-27T18:15:00.000Z', '2028-03-05T18:15:00.000Z'],
] as const

describe.each(backends)('windows of budgets on $name', (backend) => {
  const app = useApp(backend)
  let now = ''
  const writers = useWriters(app, () => now)
  const at = (time: string, ms = 0) => {
    now = new Date(Date.parse(time) + ms).toISOString()
  }

  /** A tree of two agents whose budget the child has used up, in the last millisecond of its window. */
  async function exceed(window: BudgetInput['window'], timezone: string, starts_at: string, ends_at: string) {
    const fleet = await createFleet(app().rest)
    const root = await spawn(fleet)
    const child = await spawn(fleet, { parent_id: root.id })
    at(starts_at)
    const budget = await writers.create(fleet, { window, timezone, agent_id: root.id })
    expect(budget).toMatchObject({ starts_at, resets_at: ends_at, spent: '0.0000' })
    at(ends_at, -1)
    expect(await writers.report(child, { cost_incurred: '10.5000' })).toMatchObject({ status: 'paused' })
    await writers.settle()
    const paused = await Promise.all([root, child].map((agent) => writers.agent(agent)))
    expect(paused.map((agent) => agent?.status)).toEqual(['paused', 'paused'])
    return { fleet, root, child, budget }
  }
  const past = (starts_at: string, ends_at: string) => ({
    ...{ starts_at, ends_at, spent: '10.5000', limit: '10.0000' },
    exceeded_at: new Date(Date.parse(ends_at) - 1).toISOString(),
  })

  it.each(calendar)('%s ends with the first report after it', async (_, window, zone, starts_at, ends_at) => {
    const { root, child, budget } = await exceed(window, zone, starts_at, ends_at)
    await writers.report(child, { cost_incurred: '1.0000' })
    expect(await writers.show(budget)).toMatchObject({ spent: '11.5000', state: 'exceeded' })
    at(ends_at)
    await writers.report(child, { cost_incurred: '2.0000' })
    expect(await writers.show(budget)).toMatchObject({ spent: '2.0000', state: 'ok', starts_at: ends_at })
    expect(await writers.windows(budget)).toEqual([{ ...past(starts_at, ends_at), spent: '11.5000' }])
    await writers.settle()
    expect((await writers.agent(root))?.status).toBe('idle')
    expect((await writers.agent(child))?.status).toBe('idle')
  })

  it.each(calendar)('%s ends without any report', async (_, window, zone, starts_at, ends_at) => {
    const { root, child, budget } = await exceed(window, zone, starts_at, ends_at)
    expect(await writers.windows(budget)).toEqual([])
    await writers.settle()
    expect((await writers.agent(root))?.status).toBe('paused')
    at(ends_at)
    expect(await writers.show(budget)).toMatchObject({ spent: '0.0000', state: 'ok', starts_at: ends_at })
    expect(await writers.windows(budget)).toEqual([past(starts_at, ends_at)])
    await writers.settle()
    expect(await writers.windows(budget)).toEqual([past(starts_at, ends_at)])
    expect((await writers.agent(root))?.status).toBe('idle')
    expect((await writers.agent(child))?.status).toBe('idle')
  })

  it('ends the hold of a budget with it, also for a report that comes first and uses up the next one', async () => {
    const fleet = await createFleet(app().rest)
    const [spender, other] = [await spawn(fleet), await spawn(fleet)]
    at('2027-03-28T09:00:00.000Z')
    const budget = await writers.create(fleet, { window: 'day', timezone: 'Europe/Berlin' })
    expect(await writers.report(spender, { cost_incurred: '10.0000' })).toMatchObject({ status: 'paused' })
    const first = (await writers.show(budget))?.hold_id
    at('2027-03-28T22:00:00.000Z')
    expect(await writers.show(budget)).toMatchObject({ state: 'ok', hold_id: null })
    await writers.report(spender, { cost_incurred: '11.0000' })
    const second = (await writers.show(budget))?.hold_id
    expect([first, second, first === second]).toEqual([expect.any(String), expect.any(String), false])
    at('2027-03-29T22:00:00.000Z')
    await writers.settle()
    expect(await writers.show(budget)).toMatchObject({ state: 'ok', hold_id: null, spent: '0.0000' })
    await eventually(async () => {
      const states = await Promise.all([spender, other].map((agent) => writers.agent(agent)))
      return states.every((state) => state?.status === 'idle')
    })
    expect(await writers.windows(budget)).toHaveLength(2)
  })

  it('is the one of now after a server was down for several, of which only used ones are kept', async () => {
    const [, window, zone, starts_at, ends_at] = calendar[0]
    const { root, budget } = await exceed(window, zone, starts_at, ends_at)
    at('2027-04-01T12:00:00.000Z')
    expect(await writers.show(budget)).toMatchObject({
      starts_at: '2027-03-31T22:00:00.000Z',
      resets_at: '2027-04-01T22:00:00.000Z',
    })
    await writers.settle()
    expect((await writers.agent(root))?.status).toBe('idle')
    expect(await writers.windows(budget)).toEqual([past(starts_at, ends_at)])
  })

  it('keeps the last 400 windows', async () => {
    const fleet = await createFleet(app().rest)
    const agent = await spawn(fleet)
    at('2028-01-01T00:30:00.000Z')
    const hourly = { window: 'hour', action: 'notify', metric: 'tokens', limit: 3 } as const
    const budget = await writers.create(fleet, hourly)
    await app().app.database.run(hours, [budget.id, budget.starts_at, 400])
    await writers.report(agent, { tokens_used: 3 })
    at('2028-01-01T01:00:00.000Z')
    await writers.report(agent, { tokens_used: 1 })
    const windows = await writers.windows(budget, 1_000)
    expect(windows).toHaveLength(400)
    expect(windows[0]).toMatchObject({
      ends_at: now,
      spent: '3.0000',
      exceeded_at: '2028-01-01T00:30:00.000Z',
    })
    expect(windows.at(-1)?.starts_at).toBe('2027-12-15T09:00:00.000Z')
    at('2028-01-01T02:00:00.000Z')
    expect((await writers.windows(budget, 1_000)).map(({ spent }) => spent)).toEqual([
      '1.0000',
      ...windows.slice(0, 399).map(({ spent }) => spent),
    ])
  })
})

describe.each(sharedBackends)('budgets of two processes on $name', (backend) => {
  const app = useApp(backend)
  const clock = () => new Date().toISOString()
  const replicas = [useWriters(app, clock), useWriters(app, clock)] as const

  const step = fc.record({
    agent: fc.nat(3),
    replica: fc.nat(1),
    repeats: fc.boolean(),
    tokens_used: fc.nat(1_000_000),
    cost: fc.nat(50_000),
  })

  it('are the sums of what reports added to the counters of their agents, with repeats and in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const fleet = await createFleet(app().rest)
        const root = await spawn(fleet, { labels: { team: 'search' } })
        const agents = [root]
        for (const own of [{ parent_id: root.id }, { labels: { team: 'search' } }, {}]) {
          agents.push(await spawn(fleet, own))
        }
        const [first] = replicas
        const all = { action: 'notify', limit: '1', metric: 'cost' } as const
        const budgets = {
          all: await first.create(fleet, { ...all, warn_at: [0.5] }),
          team: await first.create(fleet, { ...all, selector: 'team=search' }),
          tree: await first.create(fleet, { ...all, agent_id: root.id, window: 'month' }),
          tokens: await first.create(fleet, { ...all, metric: 'tokens', limit: 1_000 }),
          none: await first.create(fleet, { ...all, selector: 'team=news' }),
        }
        let n = 0
        await Promise.all(
          steps.map(async ({ agent, replica, repeats, tokens_used, cost }) => {
            const usage = {
              tokens_used,
              cost_incurred: `${Math.floor(cost / 10_000)}.${String(cost % 10_000).padStart(4, '0')}`,
            }
            const target = agents[agent] as Agent
            const number = ++n
            const writers = replicas[replica as 0 | 1]
            // Of two links of one agent the newer one wins, so each agent keeps to the process of its first report.
            await writers.report(target, usage, number).catch(() => {})
            if (repeats) await writers.report(target, usage, number).catch(() => {})
          }),
        )
        const states = await Promise.all(agents.map((agent) => first.agent(agent)))
        const sum = (...indexes: number[]) =>
          indexes.reduce(
            (units, index) => units + BigInt(states[index]?.cost_incurred.replace('.', '') ?? 0),
            0n,
          )
        const spent = async (budget: ProjectBudget) => (await first.show(budget))?.spent
        const units = async (budget: ProjectBudget) => BigInt(String(await spent(budget)).replace('.', ''))
        expect(await units(budgets.all)).toBe(sum(0, 1, 2, 3))
        expect(await units(budgets.team)).toBe(sum(0, 2))
        expect(await units(budgets.tree)).toBe(sum(0, 1))
        expect(await spent(budgets.none)).toBe('0.0000')
        const tokens = states.reduce((before, state) => before + (state?.tokens_used ?? 0), 0)
        expect(await spent(budgets.tokens)).toBe(tokens)
      }),
      { numRuns: 5 },
    )
  })

  it('act at once on a lower limit', async () => {
    const fleet = await createFleet(app().rest)
    const [root, other] = [await spawn(fleet), await spawn(fleet)]
    const [first, second] = replicas
    const budget = await first.create(fleet, { agent_id: root.id, limit: '10' })
    await second.report(root, { cost_incurred: '4.0000' })
    const key = { project_id: fleet.project_id, budget_id: budget.id, principal }
    expect(await updateBudget(first.get(), key, { limit: '4' })).toMatchObject({ state: 'exceeded' })
    expect(await second.agent(root)).toMatchObject({
      status: 'paused',
      control: { cause: { kind: 'budget', id: budget.id }, reason: 'Budget Team is used up' },
    })
    expect((await first.agent(other))?.status).toBe('idle')
  })
})
