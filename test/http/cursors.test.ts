import { beforeAll, describe, expect, it } from 'vitest'
import { openCursor, sealCursor } from '#src/auth/cursors.ts'
import { statement } from '#src/store/database.ts'
import { Asker } from '../support/asker.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { addUser, invalid, UNKNOWN, useApp } from './suite.ts'

type Item = { id: string; user_id?: string; starts_at?: string; project_id?: string }
type Step = { data: Item[]; next_cursor: string | null }
type Document = { paths: Record<string, { get?: { parameters: { name: string }[] } }> }

/** A past window of a budget and a role in a project have no id. */
const idOf = ({ id, user_id, starts_at, project_id }: Item) => user_id ?? id ?? starts_at ?? project_id

/** As if a budget had windows on five earlier days. */
const addWindows = statement(
  'test_add_windows',
  `insert into budget_periods (budget_id, starts_at, ends_at, spent, "limit")
   select $1, day, day + interval '1 day', 1, 2
   from generate_series(timestamptz '2026-11-01', '2026-11-05', '1 day') as day`,
)

describe.each(backends)('a walk through a list on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let paths: string[]

  /** At least five rows in every list. */
  beforeAll(async () => {
    const { rest } = running()
    fleet = await createFleet(rest)
    const inProject = `/projects/${fleet.project_id}`
    const [agent] = await Promise.all(Array.from({ length: 5 }, () => spawn(fleet)))
    const { port } = await running().app.listen()
    const budgets: string[] = []
    const asker = await Asker.at(`ws://127.0.0.1:${port}/api/v1/ws`, rest.token, agent?.id ?? '')
    for (let made = 0; made < 5; made++) {
      await createFleet(rest)
      const { id } = await addUser(rest)
      await rest.put(`${inProject}/members/${id}`, { role: 'viewer' })
      await rest.post('/api-keys', { name: 'Key', role: 'viewer', project_id: fleet.project_id })
      await rest.post(`${inProject}/issues`, { title: `Issue ${made}` })
      await rest.post(`${inProject}/webhooks`, { url: `https://example.org/${made}` })
      await rest.post(`${fleet.agents}/${agent?.id}/signals`, { kind: 'message', payload: { made } })
      await asker.open()
      const scope = { selector: 'team=none' }
      await rest.post(`${inProject}/holds`, { reason: 'look', ...scope })
      await rest.post('/holds', { reason: 'look', ...scope })
      const daily = { name: `Budget ${made}`, metric: 'cost', limit: '1', window: 'day', ...scope }
      budgets.push((await rest.post<Item>(`${inProject}/budgets`, daily)).body.id)
    }
    await running().app.database.run(addWindows, [budgets[0]])
    const document = (await rest.get<Document>('/openapi.json')).body
    paths = Object.entries(document.paths)
      .filter(([, { get }]) => get?.parameters.some(({ name }) => name === 'page'))
      .map(([path]) =>
        path
          .replace('/api/v1', '')
          .replace('{project_id}', fleet.project_id)
          .replace('{agent_id}', agent?.id ?? '')
          .replace('{budget_id}', budgets[0] ?? ''),
      )
  })

  const read = (path: string, cursor: string, limit: number) => {
    const query = `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}&limit=${limit}`
    return fleet.rest.get<Step>(`${path}${query}`)
  }

  async function walk(path: string, limit: number, between = async (_: Item[]) => {}): Promise<string[]> {
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body }: { status: number; body: Step } = await read(path, cursor, limit)
      expect(status, JSON.stringify(body)).toBe(200)
      expect(Object.keys(body)).toEqual(['data', 'next_cursor'])
      expect(body.data.length).toBeLessThanOrEqual(limit)
      seen.push(...body.data.map(idOf))
      cursor = body.next_cursor
      await between(body.data)
    }
    return seen
  }

  it('goes through each of the seventeen lists in the order of its pages', async () => {
    expect(paths).toHaveLength(17)
    for (const path of paths) {
      const { body } = await fleet.rest.get<{ data: Item[] }>(`${path}?limit=100`)
      expect(body.data.length, path).toBeGreaterThanOrEqual(5)
      expect(await walk(path, 2), path).toEqual(body.data.map(idOf))
    }
  })

  it('ends with null where the last step is full, and at once in an empty list', async () => {
    expect((await read(fleet.agents, '', 5)).body).toMatchObject({ next_cursor: null })
    expect((await read(fleet.agents, '', 4)).body).toMatchObject({ next_cursor: expect.any(String) })
    const empty = await createFleet(fleet.rest)
    expect((await read(empty.agents, '', 5)).body).toEqual({ data: [], next_cursor: null })
  })

  it('reaches every agent of a status although each step changes it', async () => {
    const own = await createFleet(fleet.rest)
    const made = await Promise.all(Array.from({ length: 25 }, () => spawn(own)))
    const seen = await walk(`${own.agents}?status=idle`, 4, async (agents) => {
      for (const { id } of agents) await own.rest.post(`${own.agents}/${id}/pause`)
      await spawn(own)
    })
    expect([...seen].sort()).toEqual(made.map(({ id }) => id).sort())
  })

  it('neither repeats nor skips while rows come and go before and behind it', async () => {
    const own = await createFleet(fleet.rest)
    const issues = `/projects/${own.project_id}/issues`
    const made: string[] = []
    for (let title = 0; title < 12; title++)
      made.unshift((await own.rest.post<Item>(issues, { title: `Issue ${title}` })).body.id)
    const doomed = [...made]
    const seen = await walk(issues, 3, async ([first]) => {
      await own.rest.post(issues, { title: 'New' })
      await own.rest.delete(`${issues}/${first?.id}`)
      await own.rest.patch(`${issues}/${doomed.pop()}`, { title: 'Changed' })
    })
    expect(seen).toEqual(made)
  })

  it('continues with another limit', async () => {
    const first = (await read(fleet.agents, '', 2)).body
    const rest = (await read(fleet.agents, first.next_cursor ?? '', 100)).body
    expect([...first.data, ...rest.data].map(idOf)).toEqual(await walk(fleet.agents, 100))
  })

  it('refuses a cursor of another filter, list or project, and text that is not a cursor', async () => {
    const { next_cursor } = (await read(fleet.agents, '', 2)).body
    const cursor = next_cursor ?? ''
    const altered = (cursor.startsWith('A') ? 'B' : 'A') + cursor.slice(1)
    const other = await createFleet(fleet.rest)
    const refused = [
      await read(`${fleet.agents}?status=idle`, cursor, 2),
      await read(`${fleet.agents}?q=a`, cursor, 2),
      await read(`${fleet.agents}?agent_type_id=${UNKNOWN}`, cursor, 2),
      await read(other.agents, cursor, 2),
      await read('/projects', cursor, 2),
      await read(fleet.agents, altered, 2),
      await read(fleet.agents, cursor.slice(0, 12), 2),
      await read(fleet.agents, 'rubbish', 2),
      await read(fleet.agents, `${cursor}${'A'.repeat(3_000)}`, 2),
      await read(fleet.agents, '\u{1f600}', 2),
    ]
    for (const answer of refused) expect(answer).toEqual(invalid('cursor'))
  })

  it('takes a page or a cursor, not both', async () => {
    expect(await fleet.rest.get(`${fleet.agents}?page=1&cursor=`)).toEqual(invalid('cursor'))
    expect(await fleet.rest.get(`/audit?cursor=&page=2`)).toEqual(invalid('cursor'))
  })
})

describe('a cursor', () => {
  const keys = ['a key that is long enough for all'] as const
  const position = ['2026-11-28T00:00:00.000Z', UNKNOWN] as const

  it('is valid for a day, also after a change of the key', () => {
    const [now, day] = [Date.parse(position[0]), 24 * 3_600_000]
    const cursor = sealCursor(position, { context: 'list', keys, now })
    const changed = { context: 'list', keys: ['another key', ...keys] } as const
    expect(openCursor(cursor, { ...changed, now: now + day - 1 })).toEqual(position)
    expect(openCursor(cursor, { ...changed, now: now + day })).toContain('after a day')
  })

  it('does not reveal its position', () => {
    const cursor = sealCursor(position, { context: 'list', keys, now: 0 })
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('2026')
  })
})
