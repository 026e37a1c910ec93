import { randomUUID } from 'node:crypto'
import { type Cost, createFleetOf, measureWork, runSql } from './fleet-load.ts'
import { watch } from './peers.ts'
import type { Signalbox } from './stage.ts'

/** What is done with all agents of a project, in the order in which it is done here. */
export async function measureFleetWork(
  signalbox: Signalbox,
  databaseUrl: string,
  size: number,
): Promise<Map<string, Cost>> {
  const { rest, server } = signalbox
  const { id: project_id, agents } = await createFleetOf(signalbox, databaseUrl, { size })
  const expectOk = async (request: Promise<{ status: number; body: unknown }>) => {
    const { status, body } = await request
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
  }
  const act = (action: string) => expectOk(rest.post(`${agents}/actions`, { action, all: true }))
  const works: Record<string, () => Promise<unknown>> = {
    async snapshot() {
      const token = rest.token ?? ''
      const reader = await watch({ port: server.port, token, project_id, onSeq: () => {} })
      reader.socket.destroy()
    },
    async list() {
      let cursor: string | null = ''
      while (cursor !== null) {
        const { body }: { body: { next_cursor: string | null } } = await rest.get(
          `${agents}?limit=100&cursor=${cursor}`,
        )
        cursor = body.next_cursor
      }
    },
    rename: () => expectOk(rest.patch(`/projects/${project_id}`, { name: 'Renamed' })),
    'bulk pause': () => act('pause'),
    'bulk terminate': () => act('terminate'),
    async sweep() {
      await loseLinks(databaseUrl, project_id)
      while ((await runSql(databaseUrl, connected, [project_id])) > 0) {
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
  }
  const costs = new Map<string, Cost>()
  for (const [name, work] of Object.entries(works)) {
    costs.set(name, await measureWork(signalbox, databaseUrl, work))
  }
  return costs
}

const connected = 'select 1 from agents where project_id = $1 and runtime_connected limit 1'

/** As if the replica that held the links of a project had died: the server declares them lost at its next look. */
async function loseLinks(databaseUrl: string, project_id: string): Promise<void> {
  const replica = randomUUID()
  await runSql(databaseUrl, `insert into replicas (id, seen_at) values ($1, now() - interval '1 hour')`, [
    replica,
  ])
  await runSql(
    databaseUrl,
    'update agents set runtime_connected = true, runtime_since = now(), runtime_replica = $2 where project_id = $1',
    [project_id, replica],
  )
}
