import { type Sql, statement } from './database.ts'
import { closeSpawning, lockWholeProject } from './projects.ts'

const list = statement('list_project_ids', 'select id from projects order by id')

export async function listProjectIds(sql: Sql): Promise<string[]> {
  return (await sql.run<{ id: string }>(list)).map(({ id }) => id)
}

// By the clock, so that a backup that is restored twice does not get the same epoch twice.
const renew = statement(
  'renew_epoch',
  `update projects set epoch = greatest(epoch + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
   where id = $1 returning epoch`,
)
// Above every lease of the history that is over, so that no link of it can speak for its agent.
const renewLeases = statement(
  'renew_leases',
  'update agents set lease = greatest(lease + 1, $2::bigint) where project_id = $1',
)

/** Undefined where there is no such project. */
export async function renewEpoch(sql: Sql, project_id: string): Promise<number | undefined> {
  await closeSpawning(sql, project_id)
  await lockWholeProject(sql, project_id)
  const [project] = await sql.run<{ epoch: number }>(renew, [project_id])
  if (project) await sql.run(renewLeases, [project_id, project.epoch])
  return project?.epoch
}
