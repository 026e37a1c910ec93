import { describe, expect, it } from 'vitest'
import type { ActivityReport, EventSearch, Moment } from '#src/client/rest/types.ts'
import { createRetentionJob } from '#src/jobs/retention.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, refusal, UNKNOWN, useApp } from './suite.ts'

/** Moves a project's log and its activity into the past. */
const age = statement(
  'test_age',
  `update events set at = at - make_interval(secs => $2) where project_id = $1`,
)
const ageActivity = statement(
  'test_age_activity',
  `update activity set at = at - make_interval(secs => $2) where project_id = $1`,
)
const ageAgents = statement(
  'test_age_agents',
  `update agents set created_at = created_at - make_interval(secs => $2) where project_id = $1`,
)
/** As a server of the release before does: an event that no activity counts. */
const uncounted = statement(
  'test_uncounted',
  `with head as (update projects set event_seq = event_seq + 1 where id = $1 returning event_seq)
   insert into events (project_id, seq, at, frame)
   select $1, event_seq, now(), json_build_object('type', 'event', 'project_id', $1::uuid, 'seq', event_seq, 'name', 'agent.updated',
     'at', '2026-11-23T18:03:12.000Z', 'actor', json_build_object('kind', 'system', 'id', null), 'agent', null) from head`,
)

type Query = Record<string, string | number>

describe.each(backends)('the past on $name', (backend) => {
  const running = useApp(backend)
  const fresh = () => createFleet(running().rest)
  const database = () => running().app.database
  const path = ({ project_id }: Fleet, rest: string, query: Query) =>
    `/projects/${project_id}/${rest}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))}`
  const activity = async (fleet: Fleet, query: Query = {}) =>
    (await fleet.rest.get<ActivityReport>(path(fleet, 'activity', { step: 86_400, ...query }))).body
  const search = async (fleet: Fleet, query: Query = {}) =>
    (await fleet.rest.get<EventSearch>(path(fleet, 'events/search', query))).body
  const seqs = async (fleet: Fleet, query: Query = {}) =>
    (await search(fleet, query)).data.map(({ seq }) => seq)
  const agentsAt = async (fleet: Fleet, query: Query = {}) =>
    (await fleet.rest.get<Moment>(path(fleet, 'agents/at', query))).body
  const update = (fleet: Fleet, id: string, body: object) =>
    fleet.rest.patch(`/projects/${fleet.project_id}/agents/${id}`, body)
  const moveBack = async ({ project_id }: Fleet, seconds: number) => {
    await database().run(age, [project_id, seconds])
    await database().run(ageActivity, [project_id, seconds])
    await database().run(ageAgents, [project_id, seconds])
  }

  it('counts events, use and agents by status, and goes back to what they were', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    await spawn(fleet)
    await update(fleet, id, { status: 'working', tokens_used: 900, cost_incurred: '1.5000' })
    await moveBack(fleet, 2 * 3_600)
    await update(fleet, id, { status: 'paused', tokens_used: 100, tasks_completed: 3 })
    const [before, after] = await Promise.all([
      activity(fleet, { step: 3_600, from: inHours(-3), to: inHours(-1) }),
      activity(fleet, { step: 3_600, from: inHours(-1) }),
    ])

    const none = { idle: 0, working: 0, waiting: 0, paused: 0, terminated: 0 }
    const sum = before.data.reduce((total, { events }) => total + events, 0)
    expect(sum).toBe(3)
    expect(before.data.at(-1)).toMatchObject({ by_status: { ...none, idle: 1, working: 1 } })
    expect(before.data.find(({ events }) => events > 0)).toMatchObject({
      tokens_used: 900,
      cost_incurred: '1.5000',
    })
    // A counter that is set back takes nothing away.
    expect(after.data.at(-1)).toMatchObject({
      by_status: { ...none, idle: 1, paused: 1 },
      tasks_completed: 3,
    })
    expect(after.data.at(-1)?.tokens_used).toBe(0)
    expect(after.since).toBe(after.from)
  })

  it('says since when it counts, if a server of the release before has written events', async () => {
    const fleet = await fresh()
    await spawn(fleet)
    const whole = await activity(fleet)
    expect(whole.since).toBe(whole.from)
    await database().run(uncounted, [fleet.project_id])
    expect(Date.parse((await activity(fleet)).since)).toBeGreaterThan(Date.now() - 5_000)
    await moveBack(fleet, 600)
    await spawn(fleet)
    const { since } = await activity(fleet)
    expect(Date.parse(since)).toBeGreaterThan(Date.now() - 20_000)
  })

  it('refuses activity that is too much, backwards or between the stored steps', async () => {
    const { rest, project_id } = await fresh()
    const ask = (query: string) => rest.get(`/projects/${project_id}/activity?${query}`)
    expect(await ask('step=15')).toEqual(invalid('step'))
    expect(await ask(`step=10&from=${inHours(-3)}`)).toEqual(invalid('step'))
    expect(await ask(`step=3600&from=${inHours(-800)}`)).toEqual(invalid('from'))
    expect(await ask(`from=${inHours(1)}`)).toEqual(invalid('from'))
    expect(await rest.get(`/projects/${UNKNOWN}/activity`)).toMatchObject({ status: 404 })
  })

  it('finds events by name, agent, actor and text, from both ends and by time', async () => {
    const fleet = await fresh()
    const [ann, ben] = [await spawn(fleet, { name: 'Ann "100%"' }), await spawn(fleet, { name: 'Ben' })]
    await update(fleet, ann.id, { current_task: 'Read the NIGHT mail' })
    await moveBack(fleet, 600)
    await update(fleet, ben.id, { status: 'working' })
    await fleet.rest.post(`/projects/${fleet.project_id}/agents/${ben.id}/pause`, { reason: 'a_b' })

    expect(await search(fleet)).toMatchObject({ searched: { from: 1, to: 5 }, oldest_seq: 1, last_seq: 5 })
    expect(await seqs(fleet)).toEqual([1, 2, 3, 4, 5])
    expect(await seqs(fleet, { name: 'agent.spawned,agent.updated' })).toEqual([1, 2, 3])
    expect(await seqs(fleet, { agent_id: ben.id })).toEqual([2, 4, 5])
    expect(await seqs(fleet, { agent_id: ben.id, name: 'agent.status_changed', after: 4 })).toEqual([5])
    expect(await seqs(fleet, { actor: 'runtime' })).toEqual([])
    expect(await seqs(fleet, { q: 'night' })).toEqual([3])
    expect(await seqs(fleet, { q: '"100%"' })).toEqual([1, 3])
    expect(await seqs(fleet, { q: 'a_b' })).toEqual([5])
    expect(await seqs(fleet, { q: 'aab' })).toEqual([])
    // The name of a field is no text of an event.
    expect(await seqs(fleet, { q: 'agent_type' })).toEqual([])
    expect(await seqs(fleet, { time: inHours(-0.1) })).toEqual([1, 2, 3])
    expect(await seqs(fleet, { time: inHours(-1) })).toEqual([])
    expect(await search(fleet, { before: 4, limit: 2 })).toMatchObject({ searched: { from: 2, to: 3 } })
    expect(await search(fleet, { after: 1, limit: 2 })).toMatchObject({ searched: { from: 2, to: 3 } })
    const ask = (query: string) => fleet.rest.get(`/projects/${fleet.project_id}/events/search?${query}`)
    expect(await ask('before=3&after=1')).toEqual(invalid('after'))
    expect(await ask('name=agent.flew')).toEqual(invalid('name'))
    expect(await ask('actor=nobody')).toEqual(invalid('actor'))
  })

  it('shows the agents as they were at a moment, page by page', async () => {
    const fleet = await fresh()
    const [ann, ben] = [await spawn(fleet, { name: 'Ann' }), await spawn(fleet, { name: 'Ben' })]
    await update(fleet, ann.id, { status: 'working', tokens_used: 7 })
    await update(fleet, ann.id, { status: 'waiting' })
    const third = await spawn(fleet)
    const at = async (query: Query) =>
      (await agentsAt(fleet, query)).data.map(({ agent, is_exact }) => [agent.id, agent.status, is_exact])
    const [now] = [await agentsAt(fleet)]
    expect(now).toMatchObject({ seq: 5, next: null })
    const { body } = await fleet.rest.get<object>(`/projects/${fleet.project_id}/agents/${ann.id}`)
    const { short_term_memory: _, ...summary } = body as { short_term_memory: object }
    expect(now.data.find(({ agent }) => agent.id === ann.id)?.agent).toEqual(summary)
    expect(await at({ seq: 3 })).toEqual([
      [ann.id, 'working', true],
      [ben.id, 'idle', true],
    ])
    expect(await at({ seq: 1 })).toEqual([[ann.id, 'idle', true]])
    const first = await agentsAt(fleet, { limit: 2 })
    expect(first.data.map(({ agent }) => agent.id)).toEqual([ann.id, ben.id])
    const rest = await agentsAt(fleet, { after: first.next ?? '', seq: first.seq })
    expect(rest.data.map(({ agent }) => agent.id)).toEqual([third.id])
    expect((await agentsAt(fleet, { time: inHours(-1) })).data).toEqual([])
  })

  it('says what the log no longer has of an agent, and refuses a moment before the log', async () => {
    const fleet = await fresh()
    const [ann, ben] = [await spawn(fleet), await spawn(fleet)]
    await moveBack(fleet, 3 * 3_600)
    await update(fleet, ben.id, { status: 'working' })
    await moveBack(fleet, 3 * 3_600)
    await update(fleet, ben.id, { status: 'waiting', tokens_used: 5 })
    await update(fleet, ann.id, { status: 'working' })
    await createRetentionJob(database(), 4 * 3_600).run()
    expect(await search(fleet)).toMatchObject({ oldest_seq: 3, searched: { from: 3, to: 5 } })
    const { data } = await agentsAt(fleet, { seq: 3 })
    const shown = data.map(({ agent, is_exact }) => [agent.id, agent.status, is_exact])
    expect(shown).toEqual([
      [ann.id, 'idle', false],
      [ben.id, 'working', true],
    ])
    const ask = (query: string) => fleet.rest.get(`/projects/${fleet.project_id}/agents/at?${query}`)
    const gone = { message: expect.stringContaining('The log begins with event 3'), field: 'time' }
    expect(await ask(`time=${inHours(-5)}`)).toEqual(refusal(410, 'SYS_006', gone))
    expect(await ask('seq=2')).toMatchObject({ status: 410 })
    expect(await ask('seq=99')).toEqual(invalid('seq'))
    expect(await ask('seq=3&time=2026-01-01T00:00:00Z')).toEqual(invalid('seq'))
    const { since } = await activity(fleet, { step: 3_600, from: inHours(-12) })
    expect(Date.parse(since)).toBeGreaterThan(Date.now() - 4 * 3_600_000)
  })
})

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
