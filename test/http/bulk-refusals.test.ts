import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { addUser, invalid, refusal, UNKNOWN, useApp } from './suite.ts'

type Bulk = { affected_count: number; skipped: { id: string }[] }

describe.each(backends)('actions on many agents, refused on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  const act = (body: object, rest = fleet.rest) => rest.post<Bulk>(`${fleet.agents}/actions`, body)

  it.each<[string, object, string[]]>([
    ['neither ids nor all', { ids: undefined }, ['ids']],
    ['both ids and all', { all: true }, ['ids']],
    ['no ids', { ids: [] }, ['ids']],
    ['more than a thousand ids', { ids: Array.from({ length: 1_001 }, () => UNKNOWN) }, ['ids']],
    ['ids that are no list', { ids: UNKNOWN }, ['ids']],
    ['ids that are no UUIDs', { ids: [UNKNOWN, 'x', 7] }, ['ids.1', 'ids.2']],
    ['all: false', { ids: undefined, all: false }, ['all']],
    ['no action', { action: undefined }, ['action']],
    ['an unknown action', { action: 'toString' }, ['action']],
    ['an unknown status', { status: 'asleep' }, ['status']],
    ['a long reason', { reason: 'x'.repeat(501) }, ['reason']],
    ['no time', { resume_after: 0 }, ['resume_after']],
    ['over thirty days', { resume_after: 2_592_001 }, ['resume_after']],
    ['resume with an end', { action: 'resume', resume_after: 5 }, ['resume_after']],
    ['terminate with an end', { action: 'terminate', resume_after: 5 }, ['resume_after']],
    ['unknown keys', { force: true, agents: [] }, ['force', 'agents']],
    ['several at once', { action: 'resume', all: true, resume_after: 5, x: 1 }, ['ids', 'resume_after', 'x']],
  ])('are refused with %s', async (_, wrong, fields) => {
    expect(await act({ action: 'pause', ids: [UNKNOWN], ...wrong })).toEqual(invalid(...fields))
  })

  it('a thousand ids are within the limit', async () => {
    const named = Array.from(
      { length: 1_000 },
      (_, index) => UNKNOWN.slice(0, -4) + String(index).padStart(4, '0'),
    )
    const { status, body } = await act({ action: 'pause', ids: named })
    expect(status).toBe(200)
    expect(body.skipped.map(({ id }) => id)).toEqual(named)
  })

  it('answer in the order of the contract: 401, 422, 404, 403, and only then about agents', async () => {
    const agent = await spawn(fleet)
    const { rest: outsider } = await addUser(fleet.rest)
    const good = { action: 'terminate', ids: [agent.id, UNKNOWN] }
    const anywhere =
      (project_id: string, rest = fleet.rest) =>
      (body: object) =>
        rest.post(`/projects/${project_id}/agents/actions`, body)
    expect((await act({}, fleet.rest.as(undefined))).status).toBe(401)
    expect(await act({}, outsider)).toEqual(invalid('action'))
    expect(await anywhere('x', outsider)({ ...good, all: true })).toEqual(invalid('project_id', 'ids'))
    expect(await anywhere(UNKNOWN)({ ...good, x: 1 })).toEqual(invalid('x'))
    const missing = refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` })
    expect(await anywhere(UNKNOWN)(good)).toEqual(missing)
    expect(await anywhere(UNKNOWN, outsider)(good)).toEqual(missing)
    const forbidden = refusal(403, 'AUTH_004', { message: 'You do not have access to this project' })
    expect(await act(good, outsider)).toEqual(forbidden)
    expect(await act({ action: 'pause', all: true }, outsider)).toEqual(forbidden)
    expect((await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body).toEqual(agent)
  })
})
