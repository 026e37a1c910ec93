import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import { readLog } from '../http/suite.ts'
import type { Asker } from '../support/asker.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

const ANSWERS = 50

describe.each(backends)('requests that several end at once on $name', (backend) => {
  let stage: Stage
  let servers: Rest[]
  let fleet: Fleet
  let agent: Agent
  let asker: Asker
  beforeAll(async () => {
    stage = await Stage.start(backend)
    servers = stage.origins.map((origin) => Rest.at(origin).as(stage.superuser.token))
  })
  afterAll(() => stage.stop())
  beforeEach(async () => {
    fleet = await createFleet(stage.superuser)
    agent = await spawn(fleet)
    asker = await stage.attach(agent.id)
  })

  const pathOf = ({ id }: AgentRequest) => `/projects/${fleet.project_id}/requests/${id}`
  const read = async (request: AgentRequest) => (await fleet.rest.get<AgentRequest>(pathOf(request))).body
  const server = (n: number) => servers[n % servers.length] as Rest
  const answer = (request: AgentRequest, n: number) =>
    server(n).post<AgentRequest>(`${pathOf(request)}/answer`, {
      status: n % 3 === 0 ? 'cancelled' : 'resolved',
      note: `answer ${n}`,
    })
  const endsOf = async (request: AgentRequest) =>
    (await readLog(fleet.rest, fleet.project_id)).filter(
      (event) => event.name === 'agent.request_ended' && event.request?.id === request.id,
    )
  const answersSent = async () => {
    const path = `${fleet.agents}/${agent.id}/signals?limit=100`
    const { body } = await fleet.rest.get<{ data: { kind: string; payload: { note: string } }[] }>(path)
    return body.data.filter(({ kind }) => kind === 'answer')
  }

  it(`take the first of ${ANSWERS} answers, and refuse the others with how it ended`, async () => {
    const request = await asker.open()
    const given = await Promise.all(Array.from({ length: ANSWERS }, (_, n) => answer(request, n)))
    const [taken, ...more] = given.filter(({ status }) => status === 200)
    expect(more).toEqual([])
    const message = `Request is already ${taken?.body.state}`
    const errors = [{ code: 'DB_002', message, field: null }]
    for (const refused of given.filter((one) => one !== taken)) {
      expect(refused).toMatchObject({ status: 409, body: { success: false, errors } })
    }
    expect(await read(request)).toMatchObject({ state: taken?.body.state, note: taken?.body.note })
    expect(await endsOf(request)).toMatchObject([{ request: { note: taken?.body.note } }])
    expect(await answersSent()).toMatchObject([{ payload: { note: taken?.body.note } }])
  })

  it('end once, whether they are answered, withdrawn, or their agent is terminated', async () => {
    const requests = await Promise.all(Array.from({ length: 30 }, () => asker.open()))
    const answered = requests.map((request, n) => answer(request, n))
    const withdrawn = requests.slice(0, 10).map(({ request_id }) => asker.withdraw(request_id))
    const terminated = server(1).delete(`${fleet.agents}/${agent.id}`)
    const statuses = await Promise.all(answered.map(async (one) => (await one).status))
    await Promise.all([...withdrawn, terminated])
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([])
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const end = log.findIndex(({ name }) => name === 'agent.terminated')
    expect(log[end]?.agent.open_requests).toBe(0)
    for (const [index, request] of requests.entries()) {
      const ends = log.filter(
        (event) => event.name === 'agent.request_ended' && event.request?.id === request.id,
      )
      expect(ends).toHaveLength(1)
      expect(ends[0]?.seq).toBeLessThan(log[end]?.seq ?? 0)
      const after = await read(request)
      const { metadata: _, delivered_at: __, acknowledged_at: ___, ...kept } = after
      expect(ends[0]?.request).toMatchObject(kept)
      expect(after.cause === 'answered').toBe(statuses[index] === 200)
    }
    const { body } = await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)
    expect(await answersSent()).toHaveLength(statuses.filter((status) => status === 200).length)
    expect(body.open_requests).toBe(0)
  })

  it('end once at their time, from which on no answer is taken, whoever writes the end', async () => {
    const expires_at = new Date(Date.now() + 500).toISOString()
    const requests = await Promise.all(Array.from({ length: 6 }, () => asker.open({ expires_at })))
    /** An answer that none of them can take: refused for what it says while the request is open. */
    const knock = (request: AgentRequest, n: number) =>
      server(n).post(`${pathOf(request)}/answer`, { status: 'resolved', option: 'none' })
    const last = await Promise.all(
      requests.map(async (request, n) => {
        let refused = await knock(request, n)
        while (refused.status === 422) refused = await knock(request, n + 1)
        return [refused, await answer(request, n)]
      }),
    )
    const errors = [{ code: 'DB_002', message: 'Request is already expired', field: null }]
    for (const refused of last.flat()) expect(refused).toMatchObject({ status: 409, body: { errors } })
    const signals = []
    for (const _ of requests) signals.push(await asker.signal())
    expect(signals.map(({ payload }) => payload)).toEqual(
      expect.arrayContaining(
        requests.map(({ request_id }) => expect.objectContaining({ request_id, status: 'expired' })),
      ),
    )
    for (const request of requests) {
      expect(await read(request)).toMatchObject({ state: 'expired', answered_by: null })
      expect(await endsOf(request)).toMatchObject([{ actor: { kind: 'system', id: null } }])
    }
    expect(await answersSent()).toHaveLength(requests.length)
  })
})
