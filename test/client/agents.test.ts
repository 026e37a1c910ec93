import { afterEach, describe, expect, it } from 'vitest'
import { type RunOptions, runAgent, runAgents } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { UNKNOWN } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { addKey, addToken } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, spawn } from '../support/rest.ts'
import { becomes, openWatch, useScene, whileCut } from './support.ts'

describe.each(backends)('an agent that runs on $name', (backend) => {
  const scene = useScene(backend)
  const closes: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closes.splice(0)) await close()
  })

  /** A new agent, run with nothing but its own token, and a watch of what becomes of it. */
  async function run(own: Partial<RunOptions> = {}) {
    const { fleet, reach } = scene()
    const { id } = await spawn(fleet)
    const token = await addToken(fleet.rest, (await read(id)) as Agent)
    const opened = openWatch({ ...reach, project_id: fleet.project_id })
    await opened.next()
    const start = async (more: Partial<RunOptions> = own) => {
      const agent = await runAgent({ ...reach, token, agent_id: id, ...more } as never)
      closes.push(() => agent.close())
      return agent
    }
    closes.push(() => opened.watch.close())
    return { ...opened, id, start, agent: await start() }
  }

  const read = async (id: string) =>
    (await scene().fleet.rest.get<Agent>(`${scene().fleet.agents}/${id}`)).body
  const act = async (id: string, action: 'pause' | 'resume' | 'terminate') => {
    const { fleet } = scene()
    const path = `${fleet.agents}/${id}`
    const answer = action === 'terminate' ? fleet.rest.delete(path) : fleet.rest.post(`${path}/${action}`)
    expect((await answer).status).toBe(200)
  }
  const tell = async (id: string, payload: object) => {
    const { fleet } = scene()
    const { status } = await fleet.rest.post(`${fleet.agents}/${id}/signals`, { kind: 'message', payload })
    expect(status).toBe(201)
  }

  it('is paused when its loop waits at a checkpoint, and resumed when the loop continues', async () => {
    const { agent, id, event } = await run()
    await agent.checkpoint()
    await act(id, 'pause')
    expect(await event('agent.updated')).toMatchObject({ agent: { control: { state: 'delivered' } } })
    await eventually(async () => agent.isPaused)
    const passed = agent.checkpoint()
    const acknowledged = await event('agent.signal_acknowledged')
    expect(acknowledged.agent).toMatchObject({ status: 'paused', control: { kind: 'pause', state: 'done' } })
    await act(id, 'resume')
    await passed
    expect((await event('agent.signal_acknowledged')).agent?.control).toMatchObject({
      kind: 'resume',
      state: 'done',
    })
  })

  it('is terminated when its loop has stopped, and its last usage still counts', async () => {
    const { agent, id, event } = await run()
    await act(id, 'terminate')
    await new Promise((resolve) => agent.signal.addEventListener('abort', resolve))
    expect(agent.signal.reason).toMatchObject({ reason: 'terminated' })
    await expect(agent.checkpoint()).rejects.toMatchObject({ reason: 'terminated' })
    expect((await event('agent.signal_acknowledged')).agent?.control).toMatchObject({
      kind: 'terminate',
      state: 'done',
    })
    agent.report({ usage: { tokens_used: 7 } })
    await agent.close()
    expect(await read(id)).toMatchObject({ status: 'terminated', tokens_used: 7 })
    await expect(runAgent({ ...scene().reach, agent_id: id })).rejects.toMatchObject({ reason: 'terminated' })
  })

  it('acknowledges each handler as done or failed, and gets messages in their order', async () => {
    const heard: unknown[] = []
    const { id, event } = await run({
      onMessage: ({ payload }, agent) => heard.push([agent.agent_id, payload]),
      onPause: () => {
        throw new Error('in a tunnel')
      },
    })
    for (const n of [1, 2, 3]) await tell(id, { n })
    for (const _ of [1, 2, 3])
      expect((await event('agent.signal_acknowledged')).signal).toMatchObject({ kind: 'message' })
    expect(heard).toEqual([1, 2, 3].map((n) => [id, { n }]))
    await act(id, 'pause')
    expect((await event('agent.signal_acknowledged')).agent?.control).toMatchObject({ state: 'failed' })
    const { body } = await scene().fleet.rest.get<{ data: { detail: string }[] }>(
      `${scene().fleet.agents}/${id}/signals`,
    )
    expect(body.data[0]).toMatchObject({ kind: 'pause', outcome: 'failed', detail: 'in a tunnel' })
  })

  it('that was closed while paused is paused when any process runs it again', async () => {
    const { agent, id, start, event } = await run({ onPause: () => {} })
    await act(id, 'pause')
    await event('agent.signal_acknowledged')
    await agent.close()
    await event('agent.runtime_disconnected')
    const again = await start()
    const passed = again.checkpoint().then(() => 'passed')
    expect(await Promise.race([passed, becomes(again, 'live')])).toEqual({ kind: 'live' })
    expect(again.isPaused).toBe(true)
    await act(id, 'resume')
    expect(await passed).toBe('passed')
  })

  it('gets each signal that was issued while it was away once', async () => {
    const heard: unknown[] = []
    const { agent, id, event } = await run({
      onMessage: ({ payload }) => heard.push(payload),
      onPause: () => heard.push('pause'),
    })
    await whileCut(scene().proxy, agent, async () => {
      await tell(id, { n: 1 })
      await act(id, 'pause')
    })
    await event('agent.signal_acknowledged')
    await event('agent.signal_acknowledged')
    expect(heard).toHaveLength(2)
    expect(heard).toContain('pause')
    expect(heard).toContainEqual({ n: 1 })
    expect(await read(id)).toMatchObject({ status: 'paused', control: { state: 'done' }, pending_signals: 0 })
  })

  it('reports each token and cent once, through any number of broken connections', async () => {
    const { agent, id } = await run()
    const reported: Promise<unknown>[] = []
    for (let cut = 0; cut < 5; cut++) {
      for (let count = 0; count < 50; count++) {
        reported.push(agent.report({ status: 'working', usage: { tokens_used: 3, cost_incurred: '0.0001' } }))
      }
      await whileCut(scene().proxy, agent, async () => {})
      await becomes(agent, 'live')
    }
    await agent.close()
    await Promise.all(reported)
    expect(await read(id)).toMatchObject({ status: 'working', tokens_used: 750, cost_incurred: '0.0250' })
  })

  it('loses no report from before another runtime took its place', async () => {
    const { agent, id } = await run()
    const { proxy, stage, reach } = scene()
    const [url = ''] = stage.origins
    let reported: Promise<unknown> | undefined
    await whileCut(proxy, agent, async () => {
      reported = agent.report({ usage: { tokens_used: 3 } })
      const other = await runAgent({ ...reach, url, agent_id: id })
      await other.report({ usage: { tokens_used: 40 } })
      await other.close()
    })
    await reported
    expect(await read(id)).toMatchObject({ tokens_used: 43 })
  })

  it('reports at most once a second, and joins the reports in between', async () => {
    const { agent, watch, id } = await run()
    const frames: number[] = []
    watch.fleet.on('change', ({ event: { name, agent } }) => {
      if (agent.id === id && name === 'agent.updated') frames.push(agent.tokens_used)
    })
    const started = performance.now()
    await agent.report({ usage: { tokens_used: 1 } })
    const waiting = Array.from({ length: 100 }, () => agent.report({ usage: { tokens_used: 1 } }))
    await Promise.all(waiting)
    expect(performance.now() - started).toBeGreaterThan(990)
    expect(await read(id)).toMatchObject({ tokens_used: 101 })
    await eventually(async () => frames.length > 1)
    expect(frames).toEqual([1, 101])
  })

  it('learns which of its reports the server refused', async () => {
    const { agent, id } = await run()
    expect(await agent.report({ status: 'waiting' })).toMatchObject({
      status: 'idle',
      status_rejected: 'Cannot transition from idle to waiting',
    })
    const wrong = agent.report({ session_id: 'x'.repeat(300), usage: { tokens_used: 5 } })
    await expect(wrong).rejects.toMatchObject({ code: 'VAL_001', field: 'session_id' })
    const long = agent.report({ short_term_memory: { text: 'x'.repeat(200_000) }, usage: { tokens_used: 6 } })
    await expect(long).rejects.toThrow('bytes')
    await agent.close()
    expect(await read(id)).toMatchObject({ tokens_used: 11, session_id: null })
  })

  it('stops when a newer runtime has taken its place', async () => {
    const { agent, start } = await run()
    const newer = await start()
    expect(await becomes(agent, 'closed')).toMatchObject({ reason: 'replaced' })
    expect(agent.signal.reason).toMatchObject({ reason: 'replaced' })
    await expect(agent.checkpoint()).rejects.toMatchObject({ reason: 'replaced' })
    expect(newer.state).toEqual({ kind: 'live' })
  })

  it('cannot be run with a token for another agent', async () => {
    const { fleet, reach } = scene()
    const [ada, bob] = [await spawn(fleet), await spawn(fleet)]
    const of = async (agent: Agent) => ({ ...reach, token: await addToken(fleet.rest, agent) })
    await expect(runAgent({ ...(await of(bob)), agent_id: ada.id })).rejects.toMatchObject({
      reason: 'forbidden',
    })
    await expect(runAgent({ ...reach, agent_id: UNKNOWN })).rejects.toMatchObject({ reason: 'not_found' })
    await expect(runAgent({ ...reach, token: 'nonsense', agent_id: ada.id })).rejects.toMatchObject({
      reason: 'unauthenticated',
    })
  })

  it('runs beside others on one connection, with a key of the project', async () => {
    const { fleet, reach } = scene()
    const ids: string[] = []
    for (let count = 0; count < 20; count++) ids.push((await spawn(fleet)).id)
    const { key: token } = await addKey(fleet.rest, { role: 'runtime', project_id: fleet.project_id })
    const paused: string[] = []
    const onPause = (_: unknown, agent: RunningAgent) => paused.push(agent.agent_id)
    const all = { ...reach, token, onPause }
    await expect(runAgents({ ...all, agent_ids: [...ids, UNKNOWN] })).rejects.toMatchObject({
      reason: 'not_found',
    })
    const agents = await runAgents({ ...all, agent_ids: ids })
    const live = async () =>
      (await fleet.rest.get<{ connected_instances: number }>(`${fleet.agents}/metrics`)).body
    expect((await live()).connected_instances).toBe(20)
    const { next, watch } = openWatch({ ...reach, project_id: fleet.project_id })
    await next()
    const bulk = await fleet.rest.post(`${fleet.agents}/actions`, { action: 'pause', all: true })
    expect(bulk).toMatchObject({ status: 200, body: { success: true } })
    for (let acknowledged = 0; acknowledged < 20; ) {
      const item = await next()
      if (item.type === 'event' && item.name === 'agent.signal_acknowledged') acknowledged++
    }
    watch.close()
    expect(new Set(paused)).toEqual(new Set(ids))
    await Promise.all(agents.map((agent) => agent.close()))
    for (const agent of agents) expect(agent.state).toMatchObject({ kind: 'closed', reason: 'requested' })
  })
})
