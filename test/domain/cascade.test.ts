import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionName } from '#src/domain/actions.ts'
import { system } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { Cascade } from '#src/domain/cascade.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { decideAction, decideTimedResume } from '#src/domain/orders.ts'
import { decideReport } from '#src/domain/report.ts'
import { decideSpawn } from '#src/domain/spawn.ts'
import { decideUpdate } from '#src/domain/update.ts'
import { context, input, LATER, NOW, parents } from './an-agent.ts'

type Decide = (agent: AgentState, context: DecisionContext) => Change | undefined

/** The agents of one project, as `commands/` keeps them. */
class Forest {
  readonly agents = new Map<string, AgentState>()
  #signals = 0

  #context(): DecisionContext {
    return { ...context, signal_id: `signal ${++this.#signals}` }
  }

  agent(id: string): AgentState {
    const agent = this.agents.get(id)
    if (!agent) throw new Error(`no agent ${id}`)
    return agent
  }

  spawn(id: string, parent_id: string | null = null, own: object = {}): this {
    const parent = parent_id === null ? undefined : this.agents.get(parent_id)
    const place = { ...this.#context(), id }
    const { agent } = decideSpawn({ ...input, parent_id, ...own }, { ...parents, parent }, place)
    if (parent) this.agents.set(parent.id, { ...parent, has_children: true })
    this.agents.set(id, agent)
    return this
  }

  set(id: string, own: Partial<AgentState>): this {
    this.agents.set(id, { ...this.agent(id), ...own })
    return this
  }

  /** Returns the ids of the agents that changed. A refusal of the only named agent changes nothing. */
  order(named: Record<string, Decide>): Map<string, Change> {
    const cascade = new Cascade()
    const changes = new Map<string, Change>()
    for (const agent of [...this.agents.values()].sort((one, other) => one.depth - other.depth)) {
      const change = cascade.next(agent, attempt(named[agent.id], agent, this.#context()), this.#context())
      if (change) changes.set(agent.id, change)
    }
    for (const [id, { agent }] of changes) this.agents.set(id, agent)
    return changes
  }

  act(action: ActionName, ...ids: string[]): string[] {
    const decide: Decide = (agent, inputs) =>
      decideAction(agent, { action, reason: null, resume_at: null }, inputs)
    return [...this.order(Object.fromEntries(ids.map((id) => [id, decide]))).keys()]
  }

  below(id: string): AgentState[] {
    const isBelow = ({ parent_id }: AgentState): boolean =>
      parent_id !== null && (parent_id === id || isBelow(this.agent(parent_id)))
    return [...this.agents.values()].filter(isBelow)
  }
}

function attempt(decide: Decide | undefined, agent: AgentState, inputs: DecisionContext): Change | undefined {
  try {
    return decide?.(agent, inputs)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return undefined
  }
}

const byParent = (id: string) => ({ kind: 'parent', id })
const byOrder = { kind: 'order', id: null }
const over = { token_limit: 1, tokens_used: 1 }

/** a ─ b ─ c, a ─ d */
const family = () => new Forest().spawn('a').spawn('b', 'a').spawn('c', 'b').spawn('d', 'a')

describe('a pause', () => {
  it('reaches all descendants, without a timer, in the mode and for the reason of the order', () => {
    const forest = family().set('b', { status: 'working' })
    const pause: Decide = (agent, inputs) =>
      decideAction(agent, { action: 'pause', reason: 'storm', resume_at: LATER, mode: 'interrupt' }, inputs)
    const changes = forest.order({ a: pause })
    expect([...changes.keys()]).toEqual(['a', 'b', 'd', 'c'])
    expect(forest.agent('a').control).toMatchObject({ cause: byOrder, resume_at: LATER })
    for (const id of ['b', 'c', 'd']) {
      expect(forest.agent(id)).toMatchObject({ status: 'paused', resume_at: null })
      expect(forest.agent(id).control).toMatchObject({
        reason: 'storm',
        mode: 'interrupt',
        resume_at: null,
        requested_by: context.actor,
        cause: byParent('a'),
      })
    }
    expect(changes.get('b')?.event).toMatchObject({
      from: 'working',
      to: 'paused',
      signal: { kind: 'pause' },
    })
  })

  it('leaves alone what is paused or ended, and passes both', () => {
    const forest = family()
    forest.act('pause', 'b')
    forest.act('resume', 'c')
    expect(forest.act('pause', 'a')).toEqual(['a', 'd', 'c'])
    expect(forest.agent('b').control?.cause).toEqual(byOrder)
    const ended = family().set('b', { status: 'terminated' })
    expect(ended.act('pause', 'a')).toEqual(['a', 'd', 'c'])
    expect(ended.agent('c').control?.cause).toEqual(byParent('a'))
  })

  it('of several agents names the nearest one, and what it names takes it as an order', () => {
    const forest = family()
    expect(forest.act('pause', 'a', 'b')).toEqual(['a', 'b', 'd', 'c'])
    expect(forest.agent('b').control?.cause).toEqual(byOrder)
    expect(forest.agent('c').control?.cause).toEqual(byParent('b'))
    expect(forest.agent('d').control?.cause).toEqual(byParent('a'))
  })

  it('that an agent cannot take does not go on below it', () => {
    const forest = family()
    forest.act('pause', 'b')
    forest.act('resume', 'c')
    expect(forest.act('pause', 'b')).toEqual([])
  })
})

describe('a resume', () => {
  it('reaches exactly those that were paused under an agent that resumes', () => {
    const forest = family()
    forest.act('pause', 'd')
    forest.act('pause', 'a')
    forest.spawn('e', 'b').spawn('f', 'b', { status: 'paused' }).spawn('g', 'd')
    expect(forest.act('resume', 'a')).toEqual(['a', 'b', 'c', 'e'])
    expect(forest.agent('c').control).toMatchObject({ kind: 'resume', mode: null, cause: byParent('a') })
    expect(forest.agent('e').control).toMatchObject({ kind: 'resume', cause: byParent('b') })
    expect(forest.agent('g').control).toMatchObject({ kind: 'pause', cause: byParent('d') })
    expect(forest.act('resume', 'd')).toEqual(['d', 'g'])
  })

  it('passes an agent that is over a limit, and leaves those that were paused under that one', () => {
    const forest = family()
    forest.act('pause', 'a')
    forest.spawn('e', 'b').set('b', over)
    expect(forest.act('resume', 'a')).toEqual(['a', 'd', 'c'])
    expect(forest.agent('b').control).toMatchObject({ kind: 'pause', cause: byParent('a') })
    expect(forest.agent('e').control).toMatchObject({ kind: 'pause', cause: byParent('b') })
  })

  it('of a child leaves its parent paused', () => {
    const forest = family()
    forest.act('pause', 'a')
    expect(forest.act('resume', 'b')).toEqual(['b'])
    expect(forest.act('resume', 'a')).toEqual(['a', 'd', 'c'])
  })

  it('by a timer is followed like an order', () => {
    const forest = family()
    const pause: Decide = (agent, inputs) =>
      decideAction(agent, { action: 'pause', reason: null, resume_at: NOW }, inputs)
    forest.order({ a: pause })
    const timed: Decide = (agent, inputs) => decideTimedResume(agent, { ...inputs, actor: system })
    expect([...forest.order({ a: timed }).keys()]).toEqual(['a', 'b', 'd', 'c'])
    expect(forest.agent('a').control?.cause).toEqual({ kind: 'timer', id: null })
    expect(forest.agent('c').control).toMatchObject({ cause: byParent('a'), requested_by: system })
  })
})

describe('what is no order', () => {
  it.each([
    ['a report of a pause', { status: 'paused' }],
    ['a report of the end', { status: 'terminated' }],
    ['a report that reaches a limit', { usage: { tokens_used: 9 } }],
  ] as const)('concerns one agent: %s', (_, report) => {
    const forest = family().set('a', { token_limit: 9 })
    const decide: Decide = (agent, inputs) => decideReport(agent, { n: 1, ...report }, inputs).change
    expect([...forest.order({ a: decide }).keys()]).toEqual(['a'])
  })

  it('an update that reaches a limit, but not one that also pauses', () => {
    const update =
      (patch: object): Decide =>
      (agent, inputs) =>
        decideUpdate(agent, { ...over, ...patch }, inputs)
    expect([
      ...family()
        .order({ a: update({}) })
        .keys(),
    ]).toEqual(['a'])
    expect(family().order({ a: update({ status: 'paused' }) }).size).toBe(4)
  })
})

describe('any sequence of orders, spawns, reports and limits in a forest', () => {
  const place = fc.nat(20)
  const step = fc.oneof(
    fc.record({ spawn: place }),
    fc.record({
      action: fc.constantFrom<ActionName>('pause', 'resume', 'resume', 'terminate'),
      on: fc.array(place, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ reports: place, status: fc.constantFrom('paused' as const, 'terminated' as const) }),
    fc.record({ limits: place, token_limit: fc.constantFrom(null, 1) }),
  )

  /** The ids that must follow a resume of `resumed`, found by asking until nothing changes. */
  function followers(forest: Forest, resumed: ReadonlySet<string>): Set<string> {
    const all = new Set(resumed)
    for (let before = -1; before !== all.size; ) {
      before = all.size
      for (const { id, ...agent } of forest.agents.values()) {
        const cause = agent.status === 'paused' ? agent.control?.cause : undefined
        const isUnder = cause?.kind === 'parent' && all.has(cause.id ?? '')
        if (isUnder && !exceededLimit(agent)) all.add(id)
      }
    }
    return all
  }

  it('keeps what is paused through a parent with that parent', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const forest = new Forest().spawn('0')
        const excused = new Set<string>()
        const at = (nth: number) => `${nth % forest.agents.size}`
        for (const one of steps) {
          if ('spawn' in one) {
            const parent_id = at(one.spawn)
            const parent = forest.agent(parent_id)
            if (parent.status === 'terminated' || parent.depth === 16) continue
            const { size } = forest.agents
            forest.spawn(`${size}`, parent_id, { status: 'working' })
            expect(forest.agent(`${size}`).status).toBe(parent.status === 'paused' ? 'paused' : 'working')
          } else if ('reports' in one) {
            const { status } = one
            const decide: Decide = (agent, inputs) =>
              decideReport(agent, { n: agent.last_report + 1, status }, inputs).change
            const reporter = at(one.reports)
            expect([...forest.order({ [reporter]: decide }).keys()]).toEqual([reporter])
            if (status === 'terminated') excused.add(reporter)
          } else if ('limits' in one) {
            forest.set(at(one.limits), { token_limit: one.token_limit, tokens_used: 1 })
          } else {
            const ids = one.on.map(at)
            const before = new Map(forest.agents)
            const roots = ids.filter((id) => {
              const { status } = forest.agent(id)
              if (one.action === 'resume') return status === 'paused' && !exceededLimit(forest.agent(id))
              return one.action === 'terminate' ? status !== 'terminated' : !/paused|terminated/.test(status)
            })
            const below = new Set(roots.flatMap((id) => [id, ...forest.below(id).map((agent) => agent.id)]))
            const expected =
              one.action === 'resume'
                ? followers(forest, new Set(roots))
                : new Set(
                    [...below].filter((id) =>
                      one.action === 'pause'
                        ? !/paused|terminated/.test(forest.agent(id).status)
                        : forest.agent(id).status !== 'terminated',
                    ),
                  )
            expect(new Set(forest.act(one.action, ...ids))).toEqual(expected)
            for (const [id, agent] of before) if (!expected.has(id)) expect(forest.agent(id)).toBe(agent)
            for (const id of expected) {
              const { cause } = forest.agent(id).control ?? {}
              if (ids.includes(id)) expect(cause).toEqual(byOrder)
              else expect(forest.below(cause?.id ?? '').map((agent) => agent.id)).toContain(id)
            }
          }
          for (const agent of forest.agents.values()) {
            const { status, control } = agent
            if (status !== 'paused' || control?.cause.kind !== 'parent') continue
            if (exceededLimit(agent)) excused.add(agent.id)
            const through = forest.agent(control.cause.id ?? '')
            // It outlives a parent that ended by itself, and a resume that its limit kept it from.
            const isExcused = excused.has(agent.id) || excused.has(through.id)
            if (!isExcused) expect(through.status).toBe('paused')
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
