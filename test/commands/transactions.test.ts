import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, Rest, spawn, unique } from '../support/rest.ts'

describe.each(backends)('concurrent transactions on $name', ({ config }) => {
  let app: App
  let rest: Rest
  beforeAll(async () => {
    app = await startApp(await config())
    rest = await Rest.of(app).signIn()
  })
  afterAll(() => app.stop())

  it('a refused transaction undoes nothing of another', async () => {
    const fleet = await createFleet(rest)
    const slug = unique('taken')
    await rest.post('/projects', { name: 'Taken', slug })
    const nobody = '/users/00000000-0000-4000-8000-000000000000'
    const work = Array.from({ length: 20 }, (_, index) => [
      spawn(fleet, { name: `agent ${index}` }),
      rest.patch(nobody, { full_name: 'x' }),
      rest.post('/projects', { name: 'Again', slug }),
      rest.post('/projects', { name: 'Fresh', slug: unique('fresh') }),
      rest.patch(`/projects/${fleet.project_id}`, { slug }),
      rest.post(`/projects/${fleet.project_id}/issues`, { title: 'x', assigned_agent_id: fleet.project_id }),
    ])
    const statuses = (await Promise.all(work.flat())).map(({ status }) => status)
    const [refused, made] = [[404, 409, 409, 404], 201]
    expect(statuses).toEqual(
      work.flatMap(() => ['idle', refused[0], refused[1], made, refused[2], refused[3]]),
    )
    const { body } = await rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)
    expect(body.data).toHaveLength(20)
    const log = await rest.get<{ data: { seq: number }[] }>(`/projects/${fleet.project_id}/events`)
    expect(log.body.data.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('a batch with a refused request gives each request its own answer', async () => {
    const fleet = await createFleet(rest)
    const agents = await Promise.all(Array.from({ length: 10 }, () => spawn(fleet)))
    const statuses = await Promise.all(
      agents.map(async ({ id }) => {
        const answers = await Promise.all([
          rest.post(`${fleet.agents}/${id}/pause`),
          rest.post(`${fleet.agents}/${id}/pause`),
          rest.patch(`${fleet.agents}/${id}`, { tokens_used: 1 }),
          rest.post(`${fleet.agents}/${fleet.project_id}/pause`),
        ])
        return answers.map(({ status }) => status).sort()
      }),
    )
    expect(statuses).toEqual(agents.map(() => [200, 200, 404, 422]))
  })
})

const broken = statement('test_broken', 'select 1 / $1::int')
const sound = statement('test_sound', 'select 1')

describe.each(sharedBackends)('locks on $name', ({ config }) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(await config())
  })
  afterAll(() => app.stop())

  it('the deletion of a project locks its agents before the project, so that no two transactions wait for each other', async () => {
    const fleet = await createFleet(await Rest.of(app).signIn())
    const { id } = await spawn(fleet)
    await fleet.rest.delete(`${fleet.agents}/${id}`)
    const lockAgent = statement('test_lock_agent', 'select id from agents where id = $1 for update')
    const lockProject = statement(
      'test_lock_project',
      'select id from projects where id = $1 for update nowait',
    )
    const waiting = statement(
      'test_waiting',
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    let deleted: Promise<{ status: number }> | undefined
    await app.database.transaction(async (sql) => {
      await sql.run(lockAgent, [id])
      deleted = fleet.rest.delete(`/projects/${fleet.project_id}`)
      while ((await app.database.run(waiting)).length === 0);
      await sql.run(lockProject, [fleet.project_id])
    })
    expect((await deleted)?.status).toBe(200)
  })

  it('a spawn waits for the agent that has its name, as any change waits for its agent', async () => {
    const fleet = await createFleet(await Rest.of(app).signIn())
    const { id, external_id } = await spawn(fleet, { external_id: unique('job') })
    const lockAgent = statement('test_lock_agent', 'select id from agents where id = $1 for update')
    const waiting = statement(
      'test_waiting_since',
      `select xact_start::text as began from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    )
    let spawned: Promise<{ status: number }> | undefined
    await app.database.transaction(async (sql) => {
      await sql.run(lockAgent, [id])
      spawned = fleet.rest.post(fleet.agents, {
        agent_type_id: fleet.agent_type_id,
        name: 'Eve',
        external_id,
      })
      let isAnswered = false
      void spawned.then(() => {
        isAnswered = true
      })
      // Its first transaction gives up soon, and the next one waits.
      const began = new Set<string>()
      while (began.size < 2 && !isAnswered) {
        for (const one of await app.database.run<{ began: string }>(waiting)) began.add(one.began)
      }
    })
    expect((await spawned)?.status).toBe(409)
  })

  it('a transaction fails for its first reason, though its work hears of what follows from it before', async () => {
    const deep = async (work: () => Promise<unknown>) => {
      const deeper = async () => {
        await work()
      }
      await deeper()
    }
    const failing = app.database.transaction((sql) =>
      Promise.all([deep(() => sql.run(broken, [0])), sql.run(sound)]),
    )
    await expect(failing).rejects.toMatchObject({ code: '22012' })
  })
})
