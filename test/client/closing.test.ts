import { afterEach, describe, expect, it } from 'vitest'
import { runAgent } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { type Connection, connect } from '#src/client/connection/connection.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, spawn } from '../support/rest.ts'
import { becomes, openWatch, useScene } from './support.ts'

type Observed = Parameters<typeof becomes>[0]

/** What it becomes from now on. */
function hear(observed: Observed): string[] {
  const kinds: string[] = []
  observed.on('state', ({ kind }) => kinds.push(kind))
  return kinds
}

describe.each(backends.slice(-1))('on a shared connection, on $name', (backend) => {
  const scene = useScene(backend)
  const connections: Connection[] = []
  afterEach(() => {
    scene().proxy.heal()
    for (const connection of connections.splice(0)) connection.close()
  })
  const dial = () => {
    const connection = connect(scene().reach)
    connections.push(connection)
    return connection
  }
  const open = (connection: Connection, project_id = scene().fleet.project_id) =>
    openWatch({ connection, project_id })
  const rename = async ({ id }: Agent, current_task: string) => {
    const { fleet } = scene()
    const { status } = await fleet.rest.patch(`${fleet.agents}/${id}`, { current_task })
    expect(status).toBe(200)
  }

  it.each(['change', 'reset'] as const)(
    'a watch that is closed during a %s stays closed, and its successor continues',
    async (name) => {
      const ada = await spawn(scene().fleet)
      const connection = dial()
      const { watch } = open(connection)
      watch.fleet.on(name, () => watch.close())
      const kinds = hear(watch)
      const closed = becomes(watch, 'closed')
      if (name === 'change') {
        await watch.whenLive()
        await rename(ada, 'one')
      }
      await closed
      expect(kinds.slice(kinds.indexOf('closed'))).toEqual(['closed'])
      await expect(watch.whenLive()).rejects.toMatchObject({ reason: 'requested' })
      expect(await watch[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true })
      const { next } = open(connection)
      await next()
      watch.close()
      await rename(ada, 'two')
      expect(await next()).toMatchObject({ agent: { current_task: 'two' } })
    },
  )

  it('everything stays closed when the first offline listener closes the connection', async () => {
    const { fleet, proxy } = scene()
    const { id } = await spawn(fleet)
    const connection = dial()
    const { watch: first } = open(connection)
    const agent = await runAgent({ connection, agent_id: id })
    await first.whenLive()
    first.on('state', ({ kind }) => kind === 'offline' && connection.close())
    const [links, whole] = [hear(agent), hear(connection)]
    const closed = becomes(connection, 'closed')
    proxy.cut()
    await closed
    expect([first.state.kind, agent.state.kind, connection.state.kind]).toEqual([
      'closed',
      'closed',
      'closed',
    ])
    expect([links, whole]).toEqual([['closed'], ['closed']])
    await expect(agent.report({ usage: { tokens_used: 1 } })).rejects.toThrow(ClosedError)
  })

  it('a watch that is opened when the connection opens gets one snapshot', async () => {
    const ada = await spawn(scene().fleet)
    const connection = dial()
    const { next } = await new Promise<ReturnType<typeof open>>((resolve) => {
      connection.on('state', ({ kind }) => kind === 'open' && resolve(open(connection)))
    })
    expect(await next()).toMatchObject({ type: 'reset' })
    await rename(ada, 'one')
    expect(await next()).toMatchObject({ type: 'event', agent: { current_task: 'one' } })
  })

  it('a watch that is closed when another comes back first sends the server nothing', async () => {
    const { fleet, proxy, stage } = scene()
    const { counts } = stage.app.hub
    await eventually(async () => counts.subscriptions === 0)
    const connection = dial()
    const [one, three] = [await createFleet(fleet.rest), await createFleet(fleet.rest)]
    const { watch: first } = open(connection, one.project_id)
    const { watch: second } = open(connection)
    await Promise.all([first.whenLive(), second.whenLive()])
    const lost = becomes(first, 'offline')
    proxy.cut()
    await lost
    first.on('state', ({ kind }) => kind === 'catching_up' && second.close())
    const kinds = hear(second)
    proxy.heal()
    await first.whenLive()
    // The server answers in order: what was asked before this is done when this is.
    await open(connection, three.project_id).watch.whenLive()
    expect([kinds, counts.subscriptions]).toEqual([['closed'], 2])
  })

  it('every listener ends with the current state, also after one that closes the watch', async () => {
    const [whole, connection] = [dial(), dial()]
    const { watch } = open(connection)
    whole.on('state', ({ kind }) => kind === 'open' && whole.close())
    watch.on('state', ({ kind }) => kind === 'live' && watch.close())
    const heard = [hear(whole), hear(watch)]
    await Promise.all([becomes(whole, 'closed'), becomes(watch, 'closed')])
    expect(heard.map((kinds) => kinds.at(-1))).toEqual(['closed', 'closed'])
  })

  it('a watch that has ended makes room for another one before its listeners hear of it', async () => {
    const connection = dial()
    const { watch } = open(connection)
    await watch.whenLive()
    const successor = new Promise<ReturnType<typeof open>>((resolve) => {
      watch.on('state', ({ kind }) => kind === 'closed' && resolve(open(connection)))
    })
    watch.close()
    expect(await (await successor).next()).toMatchObject({ type: 'reset', reason: 'start' })
  })

  it('an agent that is replaced settles reports that are made when its signal aborts', async () => {
    const { reach, fleet } = scene()
    const { id } = await spawn(fleet)
    const agent = await runAgent({ connection: dial(), agent_id: id })
    const reported = new Promise((resolve) => {
      agent.signal.addEventListener('abort', () => resolve(agent.report({ usage: { tokens_used: 1 } })))
    })
    const newer = await runAgent({ ...reach, agent_id: id })
    await expect(reported).rejects.toMatchObject({ reason: 'replaced' })
    await newer.close()
  })

  it('an agent that is replaced while it closes leaves its successor attached', async () => {
    const { fleet, stage, reach, proxy } = scene()
    const { id } = await spawn(fleet)
    const connection = dial()
    const agent = await runAgent({ connection, agent_id: id })
    const ended = becomes(agent, 'closed')
    const successor = new Promise<RunningAgent>((resolve) => {
      agent.on('state', () => resolve(runAgent({ connection, agent_id: id })))
    })
    proxy.hang()
    agent.report({ usage: { tokens_used: 1 } })
    const closed = agent.close()
    await runAgent({ ...reach, url: stage.origins[0] ?? '', agent_id: id })
    proxy.heal()
    expect(await ended).toMatchObject({ reason: 'replaced' })
    await closed
    expect(await (await successor).report({ usage: { tokens_used: 2 } })).toMatchObject({ status: 'idle' })
  })
})
