import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_WEBHOOKS, type Webhook } from '#src/domain/webhook.ts'
import { statement } from '#src/store/database.ts'
import { type Page, readAudit } from '../http/audit.ts'
import { addUser, invalid, refusal, UNKNOWN, useApp, wrongValues } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { createFleetOf } from '../support/cast.ts'
import { type Fleet, spawn } from '../support/rest.ts'

type Created = Webhook & { secret: string }

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const rowText = statement(
  'test_webhook_row',
  'select row_to_json(w)::text as row from webhooks w where id = $1',
)
const url = 'https://example.org/hook?token=its-own'

describe.each(backends)('webhooks on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let owner_id: string
  let path: string
  beforeEach(async () => {
    const owner = await addUser(running().rest)
    owner_id = owner.id
    fleet = await createFleetOf(owner.rest, running().rest)
    path = `/projects/${fleet.project_id}/webhooks`
  })

  const create = async (body: object = {}) => (await fleet.rest.post<Created>(path, { url, ...body })).body

  it('are made with a secret that is shown once, and begin where the log ends', async () => {
    await spawn(fleet)
    const { status, body } = await fleet.rest.post<Created>(path, { url })
    expect(status).toBe(201)
    const { secret, ...shown } = body
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(shown).toEqual({
      id: expect.any(String),
      project_id: fleet.project_id,
      url,
      events: null,
      selector: null,
      format: 'signalbox',
      is_active: true,
      cursor: 1,
      created_by: owner_id,
      created_at: time,
      last_attempt_at: null,
      last_success_at: null,
      last_status: null,
      last_error: null,
      failing_since: null,
      failures: 0,
      next_attempt_at: time,
      disabled_at: null,
    })
    expect((await fleet.rest.get(`${path}/${body.id}`)).body).toEqual(shown)
    const second = await create({ events: ['agent.terminated', 'agent.spawned', 'agent.terminated'] })
    expect(second.events).toEqual(['agent.terminated', 'agent.spawned'])
    const list = (await fleet.rest.get<Page<Webhook>>(`${path}?limit=1`)).body
    expect(list.data.map(({ id }) => id)).toEqual([second.id])
    expect(list.pagination).toMatchObject({ total: 2, has_next: true })
    const [kept] = await running().app.database.run<{ row: string }>(rowText, [body.id])
    expect(kept?.row).toContain(body.id)
    expect(kept?.row).not.toContain(secret.slice('whsec_'.length))
  })

  it.each(
    wrongValues(
      ['url', null],
      ['url', 'example.org'],
      ['url', 'ftp://example.org/'],
      ['url', 'https://name:word@example.org/'],
      ['url', 'https://name@example.org/'],
      ['url', `https://example.org/${'x'.repeat(2_000)}`],
      ['url', 'http://127.0.0.1/'],
      ['url', 'http://[::1]/'],
      ['url', 'http://0x7f.1/'],
      ['url', 'http://169.254.169.254/latest/meta-data'],
      ['events', 'agent.spawned'],
      ['selector', 'team in gold'],
      ['selector', 7],
      ['cursor', 0],
      ['secret', 'whsec_mine'],
      ['is_active', 'no'],
    ),
  )('refuse $field: $shown', async ({ field, value }) => {
    const { id } = await create()
    // Where it is made, whether it is active is not said.
    if (field !== 'is_active')
      expect(await fleet.rest.post(path, { url, [field]: value })).toEqual(invalid(field))
    expect(await fleet.rest.patch(`${path}/${id}`, { [field]: value })).toEqual(invalid(field))
  })

  it('name the event that there is not', async () => {
    expect(await fleet.rest.post(path, { url, events: ['agent.spawned', 'agent.lost'] })).toEqual(
      invalid('events.1'),
    )
  })

  it(`are ${MAX_WEBHOOKS} in a project at most, also of many at once`, async () => {
    const all = Array.from({ length: MAX_WEBHOOKS + 5 }, () => fleet.rest.post(path, { url }))
    const statuses = (await Promise.all(all)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(MAX_WEBHOOKS)
    const message = `A project has at most ${MAX_WEBHOOKS} webhooks`
    expect(await fleet.rest.post(path, { url })).toEqual(refusal(409, 'DB_002', { message }))
  })

  it('are changed, and keep what is not named', async () => {
    const { id } = await create({ events: ['agent.terminated'] })
    const patch = async (body: object) => (await fleet.rest.patch<Webhook>(`${path}/${id}`, body)).body
    expect(await patch({ is_active: false })).toMatchObject({ url, is_active: false, disabled_at: time })
    const to = 'https://example.org/new'
    expect(await patch({ url: to })).toMatchObject({
      url: to,
      events: ['agent.terminated'],
      is_active: false,
    })
    expect(await patch({ events: [] })).toMatchObject({ url: to, events: null })
    expect(await patch({ is_active: true })).toMatchObject({ is_active: true, disabled_at: null })
    expect(await patch({})).toMatchObject({ url: to, events: null, selector: null, is_active: true })
    expect(await patch({ selector: 'team = support' })).toMatchObject({ url: to, selector: 'team = support' })
    expect(await patch({ events: null })).toMatchObject({ selector: 'team = support' })
    for (const none of ['', ' ', null]) {
      expect(await patch({ selector: 'a' })).toMatchObject({ selector: 'a' })
      expect(await patch({ selector: none })).toMatchObject({ selector: null })
      expect(await create({ selector: none })).toMatchObject({ selector: null })
    }
    expect(await create({ selector: '!legacy' })).toMatchObject({ selector: '!legacy' })
  })

  it('of another project, and that are not there, are unknown', async () => {
    const { id } = await create()
    const other = await createFleetOf(fleet.rest, running().rest)
    const elsewhere = `/projects/${other.project_id}/webhooks/${id}`
    const unknown = refusal(404, 'SYS_002', {
      message: `Webhook ${id} not found in project ${other.project_id}`,
    })
    expect(await fleet.rest.get(elsewhere)).toEqual(unknown)
    expect(await fleet.rest.patch(elsewhere, { is_active: false })).toEqual(unknown)
    expect(await fleet.rest.delete(elsewhere)).toEqual(unknown)
    expect(await fleet.rest.post(`${elsewhere}/secret`)).toEqual(unknown)
    expect((await fleet.rest.get(`${path}/${UNKNOWN}`)).status).toBe(404)
    expect((await fleet.rest.delete(`${path}/${id}`)).body).toMatchObject({ success: true })
    expect((await fleet.rest.get(`${path}/${id}`)).status).toBe(404)
  })

  it('leave a trail without their secrets and tokens, and go with their project', async () => {
    const { id } = await create()
    await fleet.rest.patch(`${path}/${id}`, { is_active: false })
    await fleet.rest.post(`${path}/${id}/secret`)
    await fleet.rest.delete(`${path}/${id}`)
    const trail = (await readAudit(running().rest)).filter(({ target_id }) => target_id === id)
    const actions = ['webhook_deleted', 'webhook_secret_rotated', 'webhook_updated', 'webhook_created']
    expect(trail.map(({ action }) => action)).toEqual(actions)
    const actor = { kind: 'user', id: owner_id }
    const details = expect.objectContaining({ origin: 'https://example.org' })
    for (const entry of trail) expect(entry).toMatchObject({ actor, project_id: fleet.project_id, details })
    expect(JSON.stringify(trail)).not.toMatch(/its-own|whsec/)
    await create()
    expect((await fleet.rest.delete(`/projects/${fleet.project_id}`)).status).toBe(200)
  })
})
