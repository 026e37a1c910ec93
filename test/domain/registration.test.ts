import { describe, expect, it } from 'vitest'
import { byOrder, byRuntime, byTimer, type Cause } from '#src/domain/control.ts'
import { decideAction } from '#src/domain/orders.ts'
import { decideFound, decideRelease } from '#src/domain/registration.ts'
import { assertBelowLimit } from '#src/domain/spawn.ts'
import { anAgent, context, LATER } from './an-agent.ts'

const named = (own = {}) => anAgent({ external_id: 'job', labels: { team: 'a', zone: 'x' }, ...own })
const ended = (cause: Cause) =>
  decideAction(named(), { action: 'terminate', reason: null, resume_at: null, cause }, context).agent
const find = (agent = named(), labels = {}) =>
  decideFound(agent, { replica: 'r', labels, capabilities: ['interrupt'], client: 'test/1' }, context)
const refused = (kind: string, message: string, field: string | null) =>
  expect.objectContaining({ kind, problems: [{ message, field }] })

describe('a register', () => {
  it('attaches a live agent, whatever its status, and merges its labels', () => {
    for (const status of ['idle', 'working', 'waiting', 'paused'] as const) {
      const agent = named({ status, lease: 4 })
      expect(find(agent, { zone: 'y' })).toEqual({
        event: { name: 'agent.runtime_connected' },
        agent: {
          ...agent,
          labels: { team: 'a', zone: 'y' },
          lease: 5,
          runtime_connected: true,
          runtime_since: LATER,
          runtime_replica: 'r',
          capabilities: ['interrupt'],
          client: 'test/1',
        },
      })
    }
  })

  it('leaves the name of an agent that ended by itself to a new one', () => {
    expect(find(ended(byRuntime))).toBeUndefined()
    expect(find(named({ status: 'terminated', control: null }))).toBeUndefined()
  })

  it.each([byOrder, byTimer, { kind: 'parent', id: 'p' }, { kind: 'hold', id: 'h' }] as const)(
    'is refused for an agent that was terminated with the cause $kind',
    (cause) => {
      const message = 'Agent was terminated by an operator'
      expect(() => find(ended(cause))).toThrow(refused('agent_terminated', message, 'external_id'))
    },
  )
})

it('an ended agent loses its name to another, and a live one does not', () => {
  expect(decideRelease(ended(byOrder))).toMatchObject({
    agent: { external_id: null, status: 'terminated' },
    event: { name: 'agent.updated' },
  })
  const live = named()
  const message = `Agent ${live.id} has this external_id`
  expect(() => decideRelease(live)).toThrow(refused('conflict', message, 'external_id'))
})

it('a project takes agents up to its limit, and no uncounted ones', () => {
  assertBelowLimit({ live_agents: 2, agent_limit: 3 })
  const message = 'Project has reached its limit of 3 agents'
  for (const live_agents of [3, 4]) {
    expect(() => assertBelowLimit({ live_agents, agent_limit: 3 })).toThrow(
      refused('conflict', message, null),
    )
  }
  expect(() => assertBelowLimit({ live_agents: null, agent_limit: 3 })).toThrow('not counted')
})
