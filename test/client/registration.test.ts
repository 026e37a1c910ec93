import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Registration } from '#src/client/agent/introduction.ts'
import { type RunOptions, runAgent, runAgents } from '#src/client/agent/run-agents.ts'
import { connect } from '#src/client/connection/connection.ts'
import { version } from '#src/version.ts'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, spawn, unique } from '../support/rest.ts'
import { becomes, openWatch, useScene, whileCut } from './support.ts'

const client = `signalbox-js/${version}`

describe.each(backends)('an agent that registers on $name', (backend) => {
  const scene = useScene(backend)
  let token: string
  let agent_type: string
  beforeAll(async () => {
    const { rest, project_id, agent_type_id } = scene().fleet
    token = (await addKey(rest, { role: 'runtime', project_id })).key
    agent_type = (await rest.get<{ slug: string }>(`/agent-types/${agent_type_id}`)).body.slug
  })
  const closes: (() => unknown)[] = []
  afterEach(async () => {
    scene().proxy.heal()
    for (const close of closes.splice(0)) await close()
  })

  const named = (own: Partial<Registration> = {}): Registration => ({
    external_id: unique('job'),
    name: 'Ada',
    agent_type,
    ...own,
  })
  /** With nothing but the runtime key. */
  async function run(registration: Registration, own: Partial<RunOptions> = {}) {
    const agent = await runAgent({ ...scene().reach, token, ...registration, ...own } as never)
    closes.push(() => agent.close())
    return agent
  }
  const dial = () => {
    const connection = connect({ ...scene().reach, token })
    closes.push(() => connection.close())
    return connection
  }
  const watch = async () => {
    const { reach, fleet } = scene()
    const opened = openWatch({ ...reach, project_id: fleet.project_id })
    closes.push(() => opened.watch.close())
    await opened.next()
    return opened
  }
  const pathOf = (id: string) => `${scene().fleet.agents}/${id}`
  const read = async (id: string) => (await scene().fleet.rest.get<Agent>(pathOf(id))).body
  const pause = async (id: string, mode: string) =>
    expect((await scene().fleet.rest.post(`${pathOf(id)}/pause`, { mode })).status).toBe(200)
  const resume = async (id: string) =>
    expect((await scene().fleet.rest.post(`${pathOf(id)}/resume`)).status).toBe(200)
  const terminate = async (id: string) =>
    expect((await scene().fleet.rest.delete(pathOf(id))).status).toBe(200)
  const release = async (id: string) =>
    expect((await scene().fleet.rest.patch(pathOf(id), { external_id: null })).status).toBe(200)

  it('appears with what it says of itself, and reports as any agent does', async () => {
    const parent = await spawn(scene().fleet)
    const registration = named({
      labels: { team: 'news' },
      parent_id: parent.id,
      token_limit: 100,
      cost_limit: 2.5,
    })
    const agent = await run(registration, { capabilities: ['requests'], client: 'langgraph/1.0' })
    await agent.report({ status: 'working', usage: { tokens_used: 7 } })
    const { external_id, labels } = registration
    expect(await read(agent.agent_id)).toMatchObject({
      ...{ external_id, labels, name: 'Ada', agent_type_slug: agent_type, parent_id: parent.id },
      ...{ status: 'working', tokens_used: 7, token_limit: 100, cost_limit: '2.5000' },
      runtime: { connected: true, capabilities: ['requests'], client: `${client} langgraph/1.0` },
    })
  })

  it('is found again under its name, by a new process and after a broken connection, with its newest labels', async () => {
    const first = await run(named({ labels: { team: 'news' } }))
    const { agent_id } = first
    await first.close()
    const labels: Record<string, string> = { shift: 'day' }
    const agent = await run(named({ external_id: first.details.external_id as string, labels }))
    expect(agent.agent_id).toBe(agent_id)
    await whileCut(scene().proxy, agent, async () => {
      labels.shift = 'night'
      void agent.report({ usage: { tokens_used: 3 } })
    })
    await becomes(agent, 'live')
    await agent.close()
    expect(await read(agent_id)).toMatchObject({ labels: { team: 'news', shift: 'night' }, tokens_used: 3 })
  })

  it('shares a connection with others, each with its own signals; the newest runtime of one agent stays', async () => {
    const connection = dial()
    const heard: unknown[] = []
    const onMessage: RunOptions['onMessage'] = ({ payload }, { agent_id }) => heard.push([agent_id, payload])
    const [one, two] = [named(), named()]
    const [ada, bob] = await runAgents({ connection, onMessage, registrations: [one, two] })
    if (!ada || !bob) throw new Error('two agents run')
    for (const [n, { agent_id }] of [ada, bob].entries()) {
      const sent = await scene().fleet.rest.post(`${pathOf(agent_id)}/signals`, {
        ...{ kind: 'message', payload: { n } },
      })
      expect(sent.status).toBe(201)
    }
    await eventually(async () => heard.length === 2)
    expect(heard).toEqual(expect.arrayContaining([ada, bob].map(({ agent_id }, n) => [agent_id, { n }])))
    await expect(runAgent({ connection, agent_id: ada.agent_id })).rejects.toThrow(
      'already on this connection',
    )
    const { project_id } = scene().fleet
    const newer = await runAgent({ connection, ...one, project_id })
    expect(newer.agent_id).toBe(ada.agent_id)
    expect(ada.state).toMatchObject({ kind: 'closed', reason: 'replaced' })
    await newer.report({ usage: { tokens_used: 5 } })
    expect(await read(ada.agent_id)).toMatchObject({ tokens_used: 5, runtime: { connected: true } })
  })

  it('that was terminated while it was away obeys, and comes back only once its name is released', async () => {
    const registration = named()
    const agent = await run(registration)
    const { event } = await watch()
    await whileCut(scene().proxy, agent, () => terminate(agent.agent_id))
    await eventually(async () => agent.signal.aborted)
    await expect(agent.checkpoint()).rejects.toMatchObject({ reason: 'terminated' })
    expect((await event('agent.signal_acknowledged')).agent).toMatchObject({
      ...{ id: agent.agent_id, control: { kind: 'terminate', state: 'done' } },
    })
    await agent.close()
    const refused = { reason: 'terminated', message: expect.stringMatching(/by an operator$/) }
    await expect(run(registration)).rejects.toMatchObject(refused)
    await release(agent.agent_id)
    const next = await run(registration)
    expect(next.agent_id).not.toBe(agent.agent_id)
  })

  it('that ends by its own report is not created again by a broken connection, only by the next process', async () => {
    const registration = named()
    const agent = await run(registration)
    const { fleet } = (await watch()).watch
    await agent.report({ status: 'terminated' })
    scene().proxy.cut()
    scene().proxy.heal()
    expect(await becomes(agent, 'closed')).toMatchObject({ reason: 'terminated' })
    const next = await run(registration)
    const alike = () => [...fleet.agents.values()].filter(({ id }) => id !== agent.agent_id)
    await eventually(async () => alike().some(({ id }) => id === next.agent_id))
    expect(fleet.agents.get(agent.agent_id)).toMatchObject({ status: 'terminated', external_id: null })
    expect(alike().filter(({ external_id }) => external_id === registration.external_id)).toHaveLength(1)
  })

  it('continues as another agent if its own has lost the name, and no usage counts twice', async () => {
    const agent = await run(named())
    const { agent_id: before } = agent
    await pause(before, 'interrupt')
    await eventually(async () => agent.isPaused)
    const passed = agent.checkpoint()
    await eventually(async () => (await read(before)).control?.state === 'done')
    await agent.report({ usage: { tokens_used: 3 } })
    await whileCut(scene().proxy, agent, async () => {
      void agent.report({ usage: { tokens_used: 40 } })
      await release(before)
    })
    // The agent from before is paused, this one is not.
    await passed
    expect(agent.interruptSignal().aborted).toBe(false)
    await agent.report({ status: 'working' })
    expect(agent.agent_id).not.toBe(before)
    expect(await read(agent.agent_id)).toMatchObject({ status: 'working', tokens_used: 40 })
    expect(await read(before)).toMatchObject({
      status: 'paused',
      tokens_used: 3,
      runtime: { connected: false },
    })
  })

  it('that the server refuses says why', async () => {
    const refused = async (own: Partial<Registration>, reason: string, words: string) =>
      expect(run(named(own))).rejects.toMatchObject({
        ...{ name: 'ClosedError', reason, message: expect.stringContaining(words) },
      })
    await refused({ agent_type: 'nothing-like-it' }, 'not_found', 'nothing-like-it')
    await refused({ labels: { '-': 'x' } }, 'refused', 'labels: A key has')
    await refused({ parent_id: scene().fleet.project_id }, 'refused', 'parent_id: ')
    await expect(runAgent({ ...scene().reach, ...named() })).rejects.toMatchObject({
      ...{ reason: 'refused', message: expect.stringContaining('project_id: ') },
    })
    const others = [named(), named({ labels: { '-': 'x' } })]
    await expect(runAgents({ ...scene().reach, token, registrations: others })).rejects.toMatchObject({
      reason: 'refused',
    })
  })

  it('that is closed before the answer is not left attached', async () => {
    const { fleet } = (await watch()).watch
    const connection = dial()
    await becomes(connection, 'open')
    const registration = named()
    const early = runAgent({ connection, ...registration, timeout_ms: 0 })
    await expect(early).rejects.toMatchObject({ reason: 'timeout' })
    const made = () =>
      [...fleet.agents.values()].find(({ external_id }) => external_id === registration.external_id)
    await eventually(async () => made()?.runtime.since != null && !made()?.runtime.connected)
    expect(connection.state.kind).toBe('open')
    const agent = await runAgent({ connection, ...registration })
    expect(agent.agent_id).toBe(made()?.id)
  })

  it('can be interrupted in the middle of a step once its loop asks for a signal', async () => {
    const agent = await run(named())
    const { agent_id } = agent
    expect((await read(agent_id)).runtime.capabilities).toEqual([])
    const step = agent.interruptSignal()
    await eventually(async () => (await read(agent_id)).runtime.capabilities.includes('interrupt'))
    await pause(agent_id, 'interrupt')
    await new Promise((resolve) => step.addEventListener('abort', resolve))
    expect(step.reason).toMatchObject({ name: 'InterruptedError' })
    expect(agent.signal.aborted).toBe(false)
    const passed = agent.checkpoint()
    await eventually(async () => (await read(agent_id)).control?.state === 'done')
    await resume(agent_id)
    await passed
    expect(agent.interruptSignal().aborted).toBe(false)
    await agent.close()
    const again = await run(named(), { capabilities: ['interrupt'] })
    again.interruptSignal()
    expect(again.details.runtime).toMatchObject({ capabilities: ['interrupt'], client })
  })
})
