import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** A server knows the database's clock, which decides, to within some milliseconds. */
const CLOCK_ERROR_MS = 5_000

describe.each(backends)('a token that a runtime delegates on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
  })
  afterAll(() => stage.stop())

  const key = (own: object = {}) =>
    addKey(stage.superuser, { role: 'runtime', project_id: fleet.project_id, ...own })
  const statusOf = async (token: string, agent_id: string) =>
    (await stage.superuser.as(token).get(`${fleet.agents}/${agent_id}`)).status
  const registration = (own: object = {}) => ({
    external_id: unique('job'),
    name: 'Ada',
    agent_type: fleet.agent_type_id,
    ...own,
  })
  async function running(token: string, own: object = {}) {
    const socket = await stage.connect(token)
    const { agent_id } = (await socket.register(registration(own))) as unknown as { agent_id: string }
    const delegate = async (more: object = {}) => {
      const frame = await socket.answer({ type: 'delegate', agent_id, ...more })
      return frame as unknown as { type: string; token: string; expires_at: string }
    }
    return { agent_id, delegate, socket }
  }

  it('reaches its agent alone, and replaces the one before', async () => {
    const { agent_id, delegate } = await running((await key()).key)
    const other = await spawn(fleet)
    const first = await delegate({ expires_in: 3_600 })
    expect(first).toMatchObject({
      type: 'delegated',
      agent_id,
      token: expect.stringMatching(/^sba_[\w-]{43}$/),
    })
    expect(Math.abs(Date.parse(first.expires_at) - Date.now() - 3_600_000)).toBeLessThan(CLOCK_ERROR_MS)
    expect(await statusOf(first.token, agent_id)).toBe(200)
    expect(await statusOf(first.token, other.id)).toBe(403)
    const second = await delegate()
    expect(Math.abs(Date.parse(second.expires_at) - Date.now() - 30 * DAY_MS)).toBeLessThan(CLOCK_ERROR_MS)
    expect(await statusOf(first.token, agent_id)).toBe(401)
    expect(await statusOf(second.token, agent_id)).toBe(200)
  })

  it('ends with the key that runs the agent, at its time or when it is revoked', async () => {
    const expires_at = new Date(Date.now() + DAY_MS).toISOString()
    const own = await key({ expires_at })
    const { agent_id, delegate } = await running(own.key)
    const { token, expires_at: ends_at } = await delegate()
    expect(ends_at).toBe(expires_at)
    // A program that has the token runs a child, whose token comes from it.
    const child = await running(token, { parent_id: agent_id })
    const { token: below } = await child.delegate()
    expect(await statusOf(below, child.agent_id)).toBe(200)
    await stage.superuser.delete(`/api-keys/${own.id}`)
    expect(await statusOf(token, agent_id)).toBe(401)
    expect(await statusOf(below, child.agent_id)).toBe(401)
  })

  it('is also given to an owner, and only to who runs the agent now', async () => {
    const owner = await running(stage.superuser.token ?? '', { project_id: fleet.project_id })
    const { token } = await owner.delegate()
    expect(await statusOf(token, owner.agent_id)).toBe(200)
    const stranger = await stage.connect((await key()).key)
    const ask = { type: 'delegate', agent_id: owner.agent_id }
    expect(await stranger.answer(ask)).toMatchObject({ type: 'error', code: 'RT_001' })
    await stranger.attach(owner.agent_id)
    await eventually(async () => (await owner.socket.answer(ask)).code === 'RT_002')
    expect(await stranger.answer({ ...ask, expires_in: 5 })).toMatchObject({
      code: 'VAL_001',
      field: 'expires_in',
    })
  })
})
