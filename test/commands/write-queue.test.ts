import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryBus } from '#src/bus/memory.ts'
import { ProjectTurns } from '#src/commands/project-turns.ts'
import { WriteQueue } from '#src/commands/write-queue.ts'
import { system } from '#src/domain/actor.ts'
import { decideUpdate } from '#src/domain/update.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, Rest, spawn } from '../support/rest.ts'

const lock = statement('test_lock_project', 'select id from projects where id = $1 for update')
const HOT = 1_000
const LOCKED = 6

describe.each(sharedBackends)('the write queue on $name', ({ config }) => {
  let app: App
  let rest: Rest
  let queue: WriteQueue
  beforeAll(async () => {
    app = await startApp(await config())
    rest = await Rest.of(app).signIn()
    const clock = () => new Date().toISOString()
    queue = new WriteQueue({
      database: app.database,
      bus: createMemoryBus(),
      clock,
      turns: new ProjectTurns(),
    })
  })
  afterAll(() => app.stop())

  const open = async () => spawn(await createFleet(rest))
  const write = ({ id, project_id }: Agent, current_task: string) =>
    queue.submit({
      project_id,
      agent_id: id,
      actor: system,
      decide: (agent, context) => decideUpdate(agent, { current_task }, context),
    })

  it('commits the one change of a project before the thousand of another are done', async () => {
    const [hot, cold] = [await open(), await open()]
    // The cold one's transaction needs a second connection, which may take longer to open than four batches of the hot one.
    await Promise.all([app.database.transaction(async () => {}), app.database.transaction(async () => {})])
    const ended: string[] = []
    const all = Array.from({ length: HOT }, (_, index) =>
      write(hot, `${index}`).then(() => ended.push('hot')),
    )
    all.push(write(cold, 'x').then(() => ended.push('cold')))
    await Promise.all(all)
    expect(ended.indexOf('cold')).toBeLessThan(HOT / 2)
  })

  it('commits the changes of other projects while more projects are locked than can wait patiently', async () => {
    const locked = await Promise.all(Array.from({ length: LOCKED }, open))
    const free = await Promise.all(Array.from({ length: 10 }, open))
    const ended: string[] = []
    await app.database.transaction(async (sql) => {
      for (const { project_id } of locked) await sql.run(lock, [project_id])
      const waiting = locked.map((agent) => write(agent, 'late').then(() => ended.push('locked')))
      for (let round = 0; round < 5; round++) {
        await Promise.all(free.map((agent) => write(agent, `${round}`)))
      }
      ended.push('free')
      waiting.map((one) => one.catch(() => {}))
      void Promise.all(waiting)
    })
    await Promise.all(locked.map((agent) => write(agent, 'later')))
    expect(ended).toEqual(['free', ...locked.map(() => 'locked')])
    expect(queue.depth).toBe(0)
  })
})
