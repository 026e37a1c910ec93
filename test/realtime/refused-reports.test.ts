import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import type { Frame } from '../support/watcher.ts'

describe.each(sharedBackends)('reports that are refused while the database is away, on $name,', (backend) => {
  let app: App
  let wire: TcpProxy
  let url: string
  let fleet: Fleet
  beforeAll(async () => {
    const config = await backend.config()
    wire = await TcpProxy.to(config.databaseUrl ?? '')
    app = await startApp({ ...config, databaseUrl: wire.through(config.databaseUrl ?? '') })
    url = `ws://127.0.0.1:${(await app.listen()).port}/api/v1/ws`
    fleet = await createFleet(await Rest.of(app).signIn())
  })
  afterAll(async () => {
    await app.stop()
    await wire.close()
  })

  const attach = async (agent_id: string) => {
    const runtime = new RuntimeSocket(url, { token: fleet.rest.token })
    await runtime.next('hello')
    await runtime.attach(agent_id)
    return runtime
  }
  const used = async (id: string) => (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body.tokens_used

  it('count once each, in whatever order they are repeated', async () => {
    const { id: agent_id } = await spawn(fleet)
    const runtime = await attach(agent_id)
    const say = (n: number): Promise<Frame> =>
      runtime.answer({ type: 'report', agent_id, n, usage: { tokens_used: 1 } })
    expect(await say(1)).toMatchObject({ type: 'reported' })
    wire.cut()
    const refused = await Promise.all([2, 3, 4].map(say))
    for (const answer of refused) expect(answer).toMatchObject({ code: 'DB_001' })
    wire.heal()
    let n = 5
    // The pool notices its dead connections one by one.
    while ((await say(n)).type === 'error') n++
    for (const late of [3, 2, 4, 3, n]) {
      const answer = await say(late)
      expect(answer.type, `report ${late}`).toBe('reported')
    }
    expect(await used(agent_id)).toBe(5)
    for (let number = 1; number <= n; number++) await say(number)
    expect(await used(agent_id)).toBe(n)
    expect(await say(2)).toMatchObject({ duplicate: true })

    const again = await attach(agent_id)
    expect(again.frames.find(({ type }) => type === 'attached')).toMatchObject({ last_report: n })
    const answer = await again.answer({ type: 'report', agent_id, n: 3, usage: { tokens_used: 1 } })
    expect(answer).toMatchObject({ duplicate: true })
    expect(await used(agent_id)).toBe(n)
    for (const socket of [runtime, again]) await socket.close()
  })

  it('may be repeated on another link after a later one was applied', async () => {
    const { id: agent_id } = await spawn(fleet)
    const runtime = await attach(agent_id)
    const report = (n: number, tokens_used: number) => ({
      type: 'report',
      agent_id,
      n,
      usage: { tokens_used },
    })
    await runtime.report(agent_id, { n: 1, usage: { tokens_used: Number.MAX_SAFE_INTEGER - 9 } })
    // Refused for another reason, and never repeated.
    expect(await runtime.answer(report(2, 10))).toMatchObject({ code: 'VAL_001' })
    expect(await runtime.answer(report(3, 1))).toMatchObject({ type: 'reported' })
    const again = await attach(agent_id)
    const late = await again.answer({ ...report(2, 1), current_task: 'old' })
    expect(late).toMatchObject({ n: 2, status_rejected: 'A later report has already been applied' })
    expect(late).not.toHaveProperty('duplicate')
    expect(await used(agent_id)).toBe(Number.MAX_SAFE_INTEGER - 7)
    for (const socket of [runtime, again]) await socket.close()
  })
})
