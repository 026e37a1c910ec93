import { afterEach, describe, expect, it } from 'vitest'
import { type RunOptions, runAgent } from '#src/client/agent/run-agents.ts'
import type { AgentRequest } from '#src/domain/request.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, spawn } from '../support/rest.ts'
import { useScene, whileCut } from './support.ts'

type Sent = { id: string; kind: string; outcome: string | null; detail: string | null }

/** As a call to a model that hangs, and hears no signal. */
const never = () => new Promise<never>(() => {})

/** A place in a test's work that others can wait for. */
function aGate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

function useRuntimes(backend: (typeof backends)[number]) {
  const scene = useScene(backend)
  const closes: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closes.splice(0)) await close()
  })
  const pathOf = (id: string) => `${scene().fleet.agents}/${id}`
  const read = async (id: string) => (await scene().fleet.rest.get<Agent>(pathOf(id))).body
  const start = async (agent_id: string, own: Partial<RunOptions> = {}) => {
    const agent = await runAgent({ ...scene().reach, agent_id, ...own } as never)
    closes.push(() => agent.close())
    return agent
  }
  const run = async (own: Partial<RunOptions> = {}) => {
    const { id } = await spawn(scene().fleet)
    return { id, agent: await start(id, own) }
  }
  const order = async (id: string, action: 'pause' | 'resume' | 'terminate', body?: object) => {
    const { rest } = scene().fleet
    const path = `${pathOf(id)}/${action}`
    const { status } = action === 'terminate' ? await rest.delete(pathOf(id)) : await rest.post(path, body)
    expect(status).toBe(200)
  }
  const obeyed = (id: string) => eventually(async () => (await read(id)).control?.state === 'done')
  const becomes = (id: string, status: string) => eventually(async () => (await read(id)).status === status)
  const tell = async (id: string, payload: object) => {
    const sent = await scene().fleet.rest.post<Sent>(`${pathOf(id)}/signals`, { kind: 'message', payload })
    return sent.body.id
  }
  const signals = async (id: string) =>
    (await scene().fleet.rest.get<{ data: Sent[] }>(`${pathOf(id)}/signals`)).body.data
  /** How the signal ended, once it has. */
  const outcome = async (id: string, signal_id: string) => {
    const find = async () => (await signals(id)).find((signal) => signal.id === signal_id)
    await eventually(async () => (await find())?.outcome != null)
    return find()
  }
  return { scene, pathOf, read, start, run, order, obeyed, becomes, tell, signals, outcome }
}

describe.each(backends)('a run on $name', (backend) => {
  const { scene, read, run, order, obeyed, becomes } = useRuntimes(backend)

  it('is working while it lasts, then idle with a completed task; one that fails completes none', async () => {
    const { agent, id } = await run()
    const { passed, open } = aGate()
    const result = agent.run(() => passed.then(() => 42), { current_task: 'Shunting' })
    await becomes(id, 'working')
    expect(await read(id)).toMatchObject({ current_task: 'Shunting', tasks_completed: 0 })
    open()
    expect(await result).toBe(42)
    const fails = agent.run(() => Promise.reject(new Error('derailed')))
    await expect(fails).rejects.toThrow('derailed')
    await agent.close()
    expect(await read(id)).toMatchObject({ status: 'idle', current_task: null, tasks_completed: 1 })
  })

  it('ends a call that never ends when it is terminated, which is done once the work has cleaned up', async () => {
    const { agent, id } = await run()
    const [inside, cleaned] = [aGate(), aGate()]
    const result = agent.run(async () => {
      try {
        inside.open()
        await agent.guard(never())
      } catch (error) {
        await expect(agent.checkpoint()).rejects.toBe(error)
        await cleaned.passed
        void agent.report({ usage: { tokens_used: 7 } })
        throw error
      }
    })
    await inside.passed
    await order(id, 'terminate')
    await eventually(async () => agent.signal.aborted)
    await eventually(async () => (await read(id)).control?.state === 'delivered')
    cleaned.open()
    await expect(result).rejects.toMatchObject({ reason: 'terminated' })
    await obeyed(id)
    expect(await read(id)).toMatchObject({ status: 'terminated', tokens_used: 7, tasks_completed: 0 })
  })

  it('stands at a checkpoint while it is paused, and is working again after the resume', async () => {
    const { agent, id } = await run()
    const { passed, open } = aGate()
    const result = agent.run(async () => {
      await passed
      await agent.checkpoint()
      await agent.guard(never())
    })
    await becomes(id, 'working')
    await order(id, 'pause')
    await eventually(async () => agent.isPaused)
    open()
    await obeyed(id)
    const next = agent.run(() => 'next')
    await order(id, 'resume')
    expect(await next).toBe('next')
    await becomes(id, 'working')
    await order(id, 'terminate')
    await expect(result).rejects.toMatchObject({ reason: 'terminated' })
    await obeyed(id)
  })

  it('does an interrupted step again after the resume', async () => {
    const { agent, id } = await run()
    const calls: AbortSignal[] = []
    const result = agent.run(() =>
      agent.step((signal) => (calls.push(signal) > 1 ? `call ${calls.length}` : never())),
    )
    await becomes(id, 'working')
    expect((await read(id)).runtime?.capabilities).toEqual(['interrupt'])
    await order(id, 'pause', { mode: 'interrupt' })
    await obeyed(id)
    expect(calls.map(({ aborted }) => aborted)).toEqual([true])
    await expect(agent.guard(never())).rejects.toThrow('Interrupted by a pause')
    await order(id, 'resume')
    expect(await result).toBe('call 2')
    await becomes(id, 'idle')
  })

  it('is stopped while it waits for an answer, which it gets after the resume', async () => {
    const { fleet } = scene()
    const { agent, id } = await run()
    const steps: string[] = []
    const result = agent.run(async () => {
      steps.push(`confirmed: ${await agent.confirm('Depart?')}`)
      return agent.ask({ message: 'And now?' })
    })
    const requests = `/projects/${fleet.project_id}/requests`
    const list = async () =>
      (await fleet.rest.get<{ data: AgentRequest[] }>(`${requests}?agent_id=${id}`)).body.data
    await becomes(id, 'waiting')
    await order(id, 'pause')
    await obeyed(id)
    await order(id, 'resume')
    await becomes(id, 'waiting')
    await order(id, 'pause', { mode: 'interrupt' })
    await obeyed(id)
    const [request] = await list()
    await fleet.rest.post(`${requests}/${request?.id}/answer`, { status: 'resolved' })
    await eventually(async () => (await read(id)).pending_signals === 0)
    expect(steps).toEqual([])
    await order(id, 'resume')
    await eventually(async () => (await list())[0]?.message === 'And now?')
    expect(steps).toEqual(['confirmed: true'])
    await becomes(id, 'waiting')
    await order(id, 'terminate')
    await expect(result).rejects.toMatchObject({ reason: 'terminated' })
    await obeyed(id)
  })

  it('is stopped without runs, too, while its loop waits for answers', async () => {
    const { fleet } = scene()
    const { agent, id } = await run()
    const asked = ['a', 'b', 'c'].map((request_id) => agent.confirm('Go?', { request_id }))
    let isOver = false
    const all = Promise.all(asked).then((answers) => {
      isOver = true
      return answers
    })
    const requests = `/projects/${fleet.project_id}/requests`
    const list = async () =>
      (await fleet.rest.get<{ data: AgentRequest[] }>(`${requests}?agent_id=${id}`)).body.data
    await eventually(async () => (await list()).length === 3)
    await order(id, 'pause')
    await obeyed(id)
    for (const request of await list()) {
      await fleet.rest.post(`${requests}/${request.id}/answer`, { status: 'resolved' })
    }
    await eventually(async () => (await read(id)).pending_signals === 0)
    expect(isOver).toBe(false)
    await order(id, 'resume')
    expect(await all).toEqual([true, true, true])
  })

  it('is working again when it was paused and resumed while its connection was broken', async () => {
    const { agent, id } = await run()
    void agent.run(never).catch(() => {})
    await becomes(id, 'working')
    await whileCut(scene().proxy, agent, async () => {
      await order(id, 'pause')
      await order(id, 'resume')
    })
    await becomes(id, 'working')
    await order(id, 'terminate')
  })
})

describe.each(backends.slice(-1))('an agent with runs on $name', (backend) => {
  const { scene, read, start, run, order, obeyed, becomes, tell, signals, outcome } = useRuntimes(backend)
  const queued = { messages: 'queue' } as const

  it('counts each of those side by side, and those inside others with them', async () => {
    const { agent, id } = await run()
    const { passed, open } = aGate()
    const one = agent.run(() => agent.run(() => passed))
    const other = agent.run(() => passed)
    await becomes(id, 'working')
    open()
    await Promise.all([one, other])
    await agent.close()
    expect(await read(id)).toMatchObject({ status: 'idle', tasks_completed: 2 })
  })

  it('obeys at once while there is nothing to do', async () => {
    const { agent, id } = await run()
    await agent.run(() => {})
    await order(id, 'pause')
    await obeyed(id)
    await order(id, 'resume')
    await obeyed(id)
    await order(id, 'terminate')
    await obeyed(id)
  })

  it('says that a terminate failed when it is closed while its work is still running', async () => {
    const { agent, id } = await run()
    void agent.run(never)
    await order(id, 'terminate')
    await eventually(async () => agent.signal.aborted)
    await agent.close()
    const [terminate] = await signals(id)
    expect(await outcome(id, terminate?.id ?? '')).toMatchObject({
      outcome: 'failed',
      detail: 'The agent was closed while its work was still running',
    })
  })

  it('may be closed by its own work, which is over then', async () => {
    const { agent, id } = await run()
    const { passed, open } = aGate()
    const closed = agent.run(async () => {
      await becomes(id, 'working')
      open()
      await agent.guard(never()).catch(() => {})
      await agent.close()
    })
    await passed
    await order(id, 'terminate')
    await closed
    expect((await read(id)).control).toMatchObject({ kind: 'terminate', state: 'done' })
  })

  it('may report after its end, and need not handle the rejection', async () => {
    const { agent } = await run()
    await agent.close()
    void agent.report({ usage: { tokens_used: 1 } })
    await expect(agent.report({ status: 'idle' })).rejects.toMatchObject({ reason: 'requested' })
    await expect(agent.run(() => {})).rejects.toMatchObject({ reason: 'requested' })
    await expect(agent.guard(Promise.resolve())).rejects.toMatchObject({ reason: 'requested' })
  })

  it('prices the usage that does not say what it costs', async () => {
    const cost: RunOptions['cost'] = ({ model, output_tokens = 0 }) =>
      model === 'large' ? output_tokens * 0.01 : undefined
    const { agent, id } = await run({ cost })
    const usage = [
      { model: 'large', output_tokens: 3 },
      { model: 'large', output_tokens: 5, cost_incurred: '1' },
      { model: 'small', output_tokens: 7 },
    ]
    await agent.report({ usage })
    expect(await read(id)).toMatchObject({ cost_incurred: '1.0300', tokens_used: 15 })
  })

  it('acknowledges a message when the model was given it, or as failed', async () => {
    const { agent, id } = await run(queued)
    const sent = [
      await tell(id, { text: 'go north' }),
      await tell(id, { gauge: 1435 }),
      await tell(id, { text: 'go south' }),
    ]
    await eventually(async () => (await read(id)).pending_signals === 3)
    const taken: ReturnType<typeof agent.takeMessages> = []
    await eventually(async () => taken.push(...agent.takeMessages()) === 3)
    expect(taken.map(({ id, text, payload }) => ({ id, text, payload }))).toEqual([
      { id: sent[0], text: 'go north', payload: { text: 'go north' } },
      { id: sent[1], text: '{"gauge":1435}', payload: { gauge: 1435 } },
      { id: sent[2], text: 'go south', payload: { text: 'go south' } },
    ])
    expect(agent.takeMessages()).toEqual([])
    taken[2]?.done()
    expect(await outcome(id, sent[2] ?? '')).toMatchObject({ outcome: 'done' })
    taken[0]?.fail('The line is closed')
    taken[0]?.done()
    expect(await outcome(id, sent[0] ?? '')).toMatchObject({
      outcome: 'failed',
      detail: 'The line is closed',
    })
    expect(await read(id)).toMatchObject({ pending_signals: 1 })
    await agent.close()
    const next = await start(id, queued)
    await eventually(async () => next.takeMessages()[0]?.id === sent[1])
  })

  it('fails the messages at its end that no model was given', async () => {
    const { agent, id } = await run(queued)
    const sent = await tell(id, { text: 'go north' })
    await order(id, 'terminate')
    await eventually(async () => agent.signal.aborted)
    await agent.close()
    const detail = 'The agent was terminated before its model was given the message'
    expect(await outcome(id, sent)).toMatchObject({ outcome: 'failed', detail })
    expect(await read(id)).toMatchObject({ pending_signals: 0, control: { state: 'done' } })
  })

  it('takes messages only from a queue, and has no handler beside it', async () => {
    const { agent } = await run()
    expect(() => agent.takeMessages()).toThrow("messages: 'queue'")
    const both = { ...scene().reach, agent_id: agent.agent_id, ...queued, onMessage: () => {} }
    await expect(runAgent(both)).rejects.toThrow("either onMessage or messages: 'queue'")
    await expect(runAgent({ ...both, messages: 'que' as never })).rejects.toThrow('not "que"')
  })
})
