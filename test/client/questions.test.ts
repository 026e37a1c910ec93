import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Question } from '#src/client/agent/question.ts'
import { type RunOptions, runAgent } from '#src/client/agent/run-agents.ts'
import type { AgentRequest } from '#src/domain/request.ts'
import { backends } from '../support/backends.ts'
import { BareProcess } from '../support/bare-process.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, spawn } from '../support/rest.ts'
import { useScene, whileCut } from './support.ts'

const program = fileURLToPath(new URL('../support/asking-process.ts', import.meta.url))

const options: Question['options'] = [
  { id: 'go', label: 'Go', kind: 'allow_once' },
  { id: 'stay', label: 'Stay', kind: 'reject_once' },
  { id: 'later', label: 'Later', kind: 'other' },
]
const said = (own: object) => ({ option: null, payload: null, note: null, ...own })
const byPerson = { kind: 'user', id: expect.any(String) }

describe.each(backends)('an agent that asks people on $name', (backend) => {
  const scene = useScene(backend)
  const closes: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closes.splice(0)) await close()
  })

  async function run(own: Partial<RunOptions> = {}) {
    const { fleet, reach } = scene()
    const { id } = await spawn(fleet, { status: 'working' })
    const start = async () => {
      const agent = await runAgent({ ...reach, agent_id: id, ...own } as never)
      closes.push(() => agent.close())
      return agent
    }
    return { id, start, agent: await start() }
  }

  const read = async (id: string) =>
    (await scene().fleet.rest.get<Agent>(`${scene().fleet.agents}/${id}`)).body
  const requests = () => `/projects/${scene().fleet.project_id}/requests`
  const list = async (agent_id: string, state = 'open') => {
    const path = `${requests()}?state=${state}&agent_id=${agent_id}`
    return (await scene().fleet.rest.get<{ data: AgentRequest[] }>(path)).body.data
  }
  /** The open requests, once there are as many. */
  const opened = async (agent_id: string, count = 1) => {
    await eventually(async () => (await list(agent_id)).length === count)
    return list(agent_id)
  }
  const answer = async ({ id }: AgentRequest | undefined = {} as never, body: object) => {
    expect((await scene().fleet.rest.post(`${requests()}/${id}/answer`, body)).status).toBe(200)
  }
  const becomes = (id: string, status: string) => eventually(async () => (await read(id)).status === status)

  it('waits for the answer, works on, and confirms that it has it', async () => {
    const { agent, id } = await run()
    const asked = agent.ask({ message: 'Which gauge?', metadata: { n: 1 } })
    const [request] = await opened(id)
    expect(request).toMatchObject({ reason: 'input_required', message: 'Which gauge?', metadata: { n: 1 } })
    expect(await read(id)).toMatchObject({ status: 'waiting', runtime: { capabilities: ['requests'] } })
    await answer(request, { status: 'resolved', payload: { gauge: 1435 }, note: 'Standard' })
    const result = { status: 'resolved', payload: { gauge: 1435 }, note: 'Standard', answered_by: byPerson }
    expect(await asked).toEqual(said(result))
    await becomes(id, 'working')
    await eventually(async () => (await list(id, 'resolved'))[0]?.acknowledged_at != null)
    expect(await read(id)).toMatchObject({ pending_signals: 0, open_requests: 0 })
  })

  it.each([
    [{}, { status: 'resolved' }, true],
    [{}, { status: 'cancelled', note: 'Not today' }, false],
    [{ options }, { status: 'resolved', option: 'go' }, true],
    [{ options }, { status: 'resolved', option: 'stay' }, false],
    [{ options }, { status: 'resolved', option: 'later' }, false],
    [{ expires_at: 'soon' }, undefined, false],
  ])('takes only a yes as a yes: %j %j', async (given, said, isYes) => {
    const { agent, id } = await run()
    const expires_at = new Date(Date.now() + 300).toISOString()
    const confirmed = agent.confirm('Depart?', { ...given, ...('expires_at' in given && { expires_at }) })
    if (said) {
      const [request] = await opened(id)
      expect(request).toMatchObject({ reason: 'confirmation' })
      await answer(request, said)
    }
    expect(await confirmed).toBe(isYes)
  })

  it('waits until the last of its questions is answered, also one that it asks when it is idle', async () => {
    const { agent, id } = await run()
    await agent.report({ status: 'idle' })
    const asked = ['a', 'b'].map((request_id) => agent.ask({ message: 'Go?', request_id }))
    const [first, second] = await opened(id, 2)
    await becomes(id, 'waiting')
    await answer(first, { status: 'resolved' })
    await asked[first?.request_id === 'a' ? 0 : 1]
    await agent.report({ current_task: 'still here' })
    expect(await read(id)).toMatchObject({ status: 'waiting', open_requests: 1 })
    await answer(second, { status: 'resolved' })
    await becomes(id, 'working')
  })

  it('comes after what was reported before, and leaves the status alone with `status: false`', async () => {
    const { agent, id } = await run()
    await agent.report({ current_task: 'Shunting' })
    void agent.report({ status: 'idle' })
    const asked = agent.ask({ message: 'Go?', status: false })
    const [request] = await opened(id)
    expect(await read(id)).toMatchObject({ status: 'idle', open_requests: 1 })
    await answer(request, { status: 'resolved' })
    await asked
    await agent.report({ current_task: 'Parked' })
    expect(await read(id)).toMatchObject({ status: 'idle' })
  })

  it('asks once, and hears each answer, through broken connections', async () => {
    const { agent, id } = await run()
    const asked: Promise<unknown>[] = []
    for (let cut = 0; cut < 4; cut++) {
      asked.push(agent.ask({ message: `Before cut ${cut}?` }))
      await whileCut(scene().proxy, agent, async () => {
        asked.push(agent.ask({ message: `In cut ${cut}?` }))
        for (const request of (await list(id)).slice(0, 1)) await answer(request, { status: 'resolved' })
      })
      await eventually(async () => agent.state.kind === 'live')
    }
    await eventually(async () => {
      for (const request of await list(id)) await answer(request, { status: 'resolved' })
      return (await list(id, 'resolved')).length === 8
    })
    expect(await Promise.all(asked)).toEqual(
      asked.map(() => said({ status: 'resolved', answered_by: byPerson })),
    )
    await becomes(id, 'working')
  })

  it('has expired when its time is over before the server can be reached', async () => {
    const { agent } = await run()
    let expires_at = ''
    let asked: Promise<boolean> | undefined
    await whileCut(scene().proxy, agent, async () => {
      expires_at = new Date(Date.now() + 50).toISOString()
      asked = agent.confirm('Depart?', { expires_at })
      await eventually(async () => Date.now() > Date.parse(expires_at))
    })
    expect(await asked).toBe(false)
    await expect(agent.ask({ message: 'Go?', expires_at })).rejects.toMatchObject({ field: 'expires_at' })
  })

  it('has the answer at once that came while its process was dead', async () => {
    const { fleet, reach } = scene()
    const { id } = await spawn(fleet, { status: 'working' })
    const start = () =>
      BareProcess.run([process.execPath, program], { URL: reach.url, TOKEN: reach.token, AGENT: id })
    const killed = start()
    const [request] = await opened(id)
    await killed.end('SIGKILL')
    await answer(request, { status: 'resolved', note: 'Narrow' })
    const again = start()
    await again.exited
    expect(JSON.parse(again.stdout)).toEqual(
      said({ status: 'resolved', note: 'Narrow', answered_by: byPerson }),
    )
    expect(await list(id, 'all')).toHaveLength(1)
    expect(await read(id)).toMatchObject({ pending_signals: 0 })
  })

  it('keeps waiting when it asks again for what is still open, after a restart or twice', async () => {
    const { agent, id, start } = await run()
    const refused = agent.ask({ message: 'Go?', request_id: 'go' }).catch((error) => error)
    await opened(id)
    await agent.close()
    expect(await refused).toMatchObject({ reason: 'requested' })
    const again = await start()
    await again.report({ status: 'working' })
    const asked = [1, 2].map(() => again.ask({ message: 'Go?', request_id: 'go' }))
    await becomes(id, 'waiting')
    const [request] = await opened(id)
    await answer(request, { status: 'cancelled', note: 'No' })
    const result = said({ status: 'cancelled', note: 'No', answered_by: byPerson })
    expect(await Promise.all(asked)).toEqual([result, result])
    expect(await again.ask({ message: 'Go?', request_id: 'go' })).toEqual(result)
  })

  it('withdraws what it no longer needs, also what it asked before its connection broke', async () => {
    const { agent, id } = await run()
    const abort = new AbortController()
    const refused = agent.ask({ message: 'Go?', signal: abort.signal }).catch((error) => error)
    await opened(id)
    await whileCut(scene().proxy, agent, async () => abort.abort(new Error('found out')))
    expect(await refused).toMatchObject({ message: 'found out' })
    await eventually(async () => (await list(id, 'cancelled'))[0]?.cause === 'withdrawn')
    await becomes(id, 'working')
    const [, late] = [await opened(id, 0), agent.ask({ message: 'Go?', signal: abort.signal })]
    await expect(late).rejects.toThrow('found out')
    const unheard = agent.ask({ message: 'Go?' }).catch((error) => error)
    await opened(id)
    await agent.close()
    expect(await unheard).toMatchObject({ reason: 'requested' })
    await opened(id, 0)
  })

  it('learns that it was terminated, or that its question is wrong', async () => {
    const { agent, id } = await run()
    await expect(agent.ask({ message: '' })).rejects.toMatchObject({ code: 'VAL_001', field: 'message' })
    await expect(agent.ask({ message: 'x'.repeat(200_000) })).rejects.toThrow('bytes')
    await expect(agent.ask({ message: 'Go?', response_schema: { type: 'array' } })).rejects.toMatchObject({
      code: 'VAL_001',
      field: 'response_schema.type',
    })
    const refused = agent.ask({ message: 'Go?' }).catch((error) => error)
    await opened(id)
    await scene().fleet.rest.delete(`${scene().fleet.agents}/${id}`)
    expect(await refused).toMatchObject({ reason: 'terminated' })
    await expect(agent.ask({ message: 'Go?' })).rejects.toMatchObject({ reason: 'terminated' })
    expect(await list(id, 'cancelled')).toMatchObject([{ cause: 'terminated' }])
  })

  it('has as many questions as the server takes, and a bounded number that wait for a connection', async () => {
    const { agent, id } = await run()
    const asked = Array.from({ length: 101 }, () => agent.ask({ message: 'Go?' }).catch((error) => error))
    expect(await Promise.race(asked)).toMatchObject({
      code: 'VAL_001',
      message: 'Agent has 100 open requests',
    })
    expect(await read(id)).toMatchObject({ open_requests: 100 })
    await whileCut(scene().proxy, agent, async () => {
      const more = Array.from({ length: 101 }, () => agent.ask({ message: 'Go?' }).catch((error) => error))
      expect(await more[100]).toBeInstanceOf(RangeError)
    })
  })
})
