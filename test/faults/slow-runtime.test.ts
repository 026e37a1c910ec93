import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { RawReader } from '../support/raw-reader.ts'
import { type Agent, type Rest, spawn } from '../support/rest.ts'

const AGENTS = 120
/** All of them together are more than what is between takes. */
/** As large as an agent may be: each character of the task is six in JSON. */
const memory = { text: 'x'.repeat(60_000) }
const task = '\u0001'.repeat(32_768)

describe.skipIf(isClusterMissing)('a runtime that asks for more than it reads', () => {
  let cluster: Cluster
  let agents: Agent[]
  beforeAll(async () => {
    cluster = await startCluster({}, 1)
    const ids = Array.from({ length: AGENTS }, (_, index) => index)
    agents = await Promise.all(
      ids.map((index) =>
        spawn(cluster.fleet, { name: `agent ${index}`, short_term_memory: memory, current_task: task }),
      ),
    )
  })
  afterAll(() => cluster.stop())

  it('is waited for, and has all of its answers once it reads', { timeout: 60_000 }, async () => {
    const [server, rest] = [cluster.servers[0], cluster.rests[0] as Rest]
    if (!server) throw new Error('no server')
    const greeted = Promise.withResolvers<void>()
    const attached: string[] = []
    const runtime = new RawReader(server.ws, rest.token as string, (text) => {
      const frame = JSON.parse(text) as { type: string; agent_id: string }
      if (frame.type === 'hello') greeted.resolve()
      if (frame.type === 'attached') attached.push(frame.agent_id)
    })
    await greeted.promise
    runtime.socket.pause()
    // The newest first, which a list begins with.
    for (const { id } of agents.toReversed()) runtime.send({ type: 'attach', agent_id: id })

    const connected = async () => {
      const { body } = await rest.get<{ data: Agent[] }>(`${cluster.fleet.agents}?limit=100`)
      return body.data.filter((agent) => agent.runtime.connected).length
    }
    // Some are answered, as far as they fit into what is between; then nothing goes on.
    let last = -1
    await eventually(async () => {
      const now = await connected()
      const stands = now > 0 && now === last
      last = now
      return stands
    })
    const oldest = await rest.get<Agent>(`${cluster.fleet.agents}/${agents[0]?.id}`)
    expect(oldest.body.runtime.connected).toBe(false)
    expect(runtime.closeCode).toBeUndefined()

    runtime.socket.resume()
    await eventually(async () => attached.length === AGENTS)
    expect(new Set(attached)).toEqual(new Set(agents.map(({ id }) => id)))
    expect(runtime.closeCode).toBeUndefined()
    runtime.socket.destroy()
  })
})
