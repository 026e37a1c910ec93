import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import type { Agent, Fleet } from '../support/rest.ts'
import type { RuntimeSocket } from '../support/runtime.ts'
import { Stage } from '../support/stage.ts'
import { type Losing, losses } from './losses.ts'

const WITHIN_MS = 5_000

/** How each kind of use ends, by what was lost. */
const ends = {
  credential: { watching: 4401, link: 4401, again: [401, 403] },
  role: { watching: 'forbidden', link: 'revoked', again: [403] },
  project: { watching: 'deleted', link: 'revoked', again: [401, 404] },
} as const

/** What the principal has open on one server. */
type Open = {
  server: number
  token: string
  watcher: RuntimeSocket | undefined
  link: RuntimeSocket | undefined
  agent: Agent
}

describe.each(backends)('a lost right takes effect within 5 s on every server of $name', (backend) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage.stop())

  const open = async ({ fleet, tokens, agents, uses }: Losing, server: number) => {
    const { project_id } = fleet
    const [token, agent] = [tokens[server] as string, agents[server] as Agent]
    const [watcher, link] = await Promise.all([
      uses.includes('watching') ? stage.connect(token, server) : undefined,
      uses.includes('link') ? stage.connect(token, server) : undefined,
    ])
    await watcher?.ask({ type: 'subscribe', project_id }, 'snapshot')
    await link?.attach(agent.id)
    const stream = watcher && (await stage.stream(token, { project_id, server }))
    return { server, token, watcher, link, agent, stream }
  }

  it.concurrent.each(losses)('$name', async ({ loses, arrange }) => {
    const losing = await arrange(stage)
    const opened = await Promise.all(stage.apps.map((_, server) => open(losing, server)))
    const expected = ends[loses]
    const since = await losing.take()
    await Promise.all(
      opened.map(async ({ watcher, link, stream }) => {
        await Promise.all([
          watcher && expectWatchingEnds(watcher, losing.fleet.project_id, expected.watching),
          link && expectLinkEnds(link, expected.link),
          stream?.ended,
        ])
      }),
    )
    const taken = Date.now() - since
    // A credential that expires ends at its time, give or take a tick of the timer.
    expect(taken).toBeGreaterThan(-10)
    expect(taken).toBeLessThan(WITHIN_MS)
    for (const one of opened) await expectNothingMore(losing.fleet, one)
    for (const { server, token } of opened) {
      const { status } = await stage.stream(token, { project_id: losing.fleet.project_id, server })
      expect(expected.again).toContain(status)
    }
  })

  const expectWatchingEnds = async (watcher: RuntimeSocket, project_id: string, how: string | number) => {
    if (typeof how === 'number') return expect(await watcher.closed).toBe(how)
    expect(await watcher.next('unsubscribed')).toEqual({ type: 'unsubscribed', project_id, reason: how })
  }

  const expectLinkEnds = async (link: RuntimeSocket, how: string | number) => {
    if (typeof how === 'number') return expect(await link.closed).toBe(how)
    expect(await link.next('detached')).toMatchObject({ type: 'detached', reason: how })
  }

  /** A socket that is still open gets no more of the project, and may not subscribe or attach again. */
  const expectNothingMore = async (fleet: Fleet, { watcher, link, agent }: Open) => {
    const path = `${fleet.agents}/${agent.id}`
    const { status } = await fleet.rest.post(`${path}/signals`, { kind: 'message', payload: {} })
    const isThere = status === 201
    if (watcher?.socket.readyState === watcher?.socket.OPEN && watcher) {
      const seen = watcher.events().length
      const answer = await watcher.answer({ type: 'subscribe', project_id: fleet.project_id, after: 0 })
      expect(answer).toMatchObject({ type: 'error', code: isThere ? 'AUTH_004' : 'SYS_002' })
      expect(watcher.events()).toHaveLength(seen)
    }
    if (link && link.socket.readyState === link.socket.OPEN) {
      expect(await link.answer({ type: 'report', agent_id: agent.id, n: 100 })).toMatchObject({
        code: 'RT_001',
      })
      const attach = { type: 'attach', agent_id: agent.id }
      expect(await link.answer(attach)).toMatchObject({ code: isThere ? 'AUTH_004' : 'SYS_002' })
      expect(link.frames.filter((frame) => frame.type === 'signal' && frame.kind === 'message')).toEqual([])
    }
    if (!link || !isThere) return
    await eventually(async () => !(await fleet.rest.get<Agent>(path)).body.runtime.connected)
  }
})
