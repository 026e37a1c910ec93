import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { readLog } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest } from '../support/rest.ts'
import type { RuntimeSocket } from '../support/runtime.ts'
import { Stage } from '../support/stage.ts'

const ROUNDS = 12
const AT_ONCE = 40
const names = ['a', 'b', 'c', 'd']

const counts = statement(
  'test_live_agents',
  `select live_agents, (select count(*) from agents where project_id = p.id and status <> 'terminated') as actual
   from projects p where id = $1`,
)

const expected = new Set(['200', '201', '409', '422', 'RT_003', 'created', 'found'])

const step = fc.record({
  kind: fc.constantFrom('register', 'spawn', 'give', 'release', 'terminate', 'end'),
  external_id: fc.constantFrom(...names),
  /** Which of the agents that there are, and which server. */
  at: fc.nat(),
})
type Step = { kind: string; external_id: string; at: number }

describe.each(backends)('names that many ask for at once on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  let rests: Rest[]
  let runtimes: RuntimeSocket[]
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
    rests = stage.origins.map((origin) => Rest.at(origin).as(stage.superuser.token))
    runtimes = await Promise.all(stage.apps.map((_, server) => stage.connect(stage.superuser.token, server)))
  })
  afterAll(() => stage.stop())

  const listAgents = async () => {
    const { body } = await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?cursor=&limit=100`)
    return body.data
  }

  it('have one agent each after every round, and nobody gets an error that is not a refusal', async () => {
    const rounds = fc.sample(fc.array(step, { minLength: AT_ONCE, maxLength: AT_ONCE }), {
      numRuns: ROUNDS,
      seed: 7,
    })
    const seen = new Set<string>()
    for (const steps of rounds) {
      const agents = await listAgents()
      const agentAt = (at: number) => `${fleet.agents}/${agents[at % Math.max(1, agents.length)]?.id}`
      const toServer = (server: number) => steps.filter(({ at }) => at % rests.length === server)
      const call = async ({ kind, external_id, at }: Step) => {
        const rest = rests[at % rests.length] as Rest
        if (kind === 'spawn') {
          return rest.post(fleet.agents, { agent_type_id: fleet.agent_type_id, name: 'Ada', external_id })
        }
        if (agents.length === 0) return undefined
        if (kind === 'terminate') return rest.delete(agentAt(at))
        return rest.patch(agentAt(at), { external_id: kind === 'give' ? external_id : null })
      }
      const register = ({ external_id }: Step) => ({
        type: 'register',
        ...{ project_id: fleet.project_id, external_id, name: 'Ada', agent_type: fleet.agent_type_id },
      })
      const registering = runtimes.map((runtime, server) =>
        runtime.answers(
          toServer(server)
            .filter(({ kind }) => kind === 'register')
            .map(register),
        ),
      )
      const calling = steps.filter(({ kind }) => !['register', 'end'].includes(kind)).map(call)
      const answers = [...(await Promise.all(calling)), ...(await Promise.all(registering)).flat()]
      for (const answer of answers) {
        if (answer === undefined) continue
        const said = 'status' in answer ? answer.status : (answer.code ?? answer.registered)
        seen.add(String(said))
      }
      // Runtimes that end their agents by themselves, so that registers find their names free.
      for (const [index, runtime] of runtimes.entries()) {
        for (const { at } of toServer(index).filter(({ kind }) => kind === 'end')) {
          const { id, runtime: link } = agents[at % Math.max(1, agents.length)] ?? {}
          if (id && link?.connected)
            await runtime.answer({ type: 'report', agent_id: id, n: 1_000 + at, status: 'terminated' })
        }
      }
      const held = (await listAgents()).flatMap(({ external_id }) => external_id ?? [])
      expect(held.toSorted()).toEqual([...new Set(held)].toSorted())
    }
    expect([...seen].filter((said) => !expected.has(said))).toEqual([])
    for (const said of ['created', 'found', '409']) expect(seen).toContain(said)

    const [count] = await stage.app.database.run<{ live_agents: number; actual: number }>(counts, [
      fleet.project_id,
    ])
    expect(count?.live_agents).toBe(count?.actual)
    // The log tells the same as the agents themselves.
    const told = new Map<string, unknown>()
    for (const { agent } of await readLog(fleet.rest, fleet.project_id)) told.set(agent.id, agent.external_id)
    for (const { id, external_id } of await listAgents()) expect(told.get(id)).toBe(external_id)
  })
})
