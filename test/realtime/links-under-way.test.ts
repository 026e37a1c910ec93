import { expect, it, vi } from 'vitest'
import type { RegisterRequest } from '#src/commands/write-batch.ts'
import { RuntimeLinks } from '#src/realtime/runtimes/runtime-links.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import { anAgent, context } from '../domain/an-agent.ts'

it('a register that is committed but not answered yet does not count as a link that is lost', async () => {
  const agent = anAgent({ external_id: 'job' })
  const { id: agent_id, project_id } = agent
  const held = [{ agent_id, project_id, lease: 1 }]
  const answered = Promise.withResolvers<typeof agent>()
  const submit = vi.fn((request: RegisterRequest) => {
    request.decide_found(agent, { ...context, now: agent.created_at })
    return answered.promise
  })
  const reader = { last: 0, epoch: 1, project_id, join: () => {}, leave: () => {} }
  const awake = new AwakeClock()
  const links = new RuntimeLinks({
    database: { run: async () => held },
    writes: { submit },
    hub: { acquire: async () => reader, release: () => {} },
    replica: 'r',
    awake,
    onLost: () => {},
  } as never)
  const outlet = { isOpen: true, isFull: true, drained: () => new Promise(() => {}), send: () => {} }
  const onAttached = vi.fn()
  const registering = links.register({
    project_id,
    actor: { kind: 'system', id: null },
    outlet: { ...outlet, dismiss: () => {} } as never,
    runtime: {},
    registering: { external_id: 'job', labels: {}, reach: () => {} } as never,
    admit: () => {},
    onAttached,
    onDetached: () => {},
  })
  await vi.waitUntil(() => submit.mock.calls.length === 1)
  await links.reconcile()
  answered.resolve({ ...agent, lease: 1 })
  await registering
  expect(onAttached).toHaveBeenCalledWith(expect.objectContaining({ lease: 1 }), expect.anything(), 'found')
  await links.reconcile()
  expect(submit).toHaveBeenCalledOnce()
  links.close()
  awake.close()
})
