import { type Sql, statement } from './database.ts'
import { readFrame } from './event-frame.ts'
import { holdSpawnLock, lockWholeProject } from './projects.ts'

const list = statement('list_project_ids', 'select id from projects order by id')

export async function listProjectIds(sql: Sql): Promise<string[]> {
  return (await sql.run<{ id: string }>(list)).map(({ id }) => id)
}

// The epoch follows the clock, so that a backup that is restored twice gets two different epochs.
const renew = statement(
  'renew_epoch',
  `update projects set epoch = greatest(epoch + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
   where id = $1 returning epoch`,
)
// A lease above every one of the old history, so that no old link can act for its agent.
const renewLeases = statement(
  'renew_leases',
  'update agents set lease = greatest(lease + 1, $2::bigint) where project_id = $1',
)

/** Undefined for an unknown project. */
export async function renewEpoch(sql: Sql, project_id: string): Promise<number | undefined> {
  await holdSpawnLock(sql, project_id)
  await lockWholeProject(sql, project_id)
  const [project] = await sql.run<{ epoch: number }>(renew, [project_id])
  if (project) await sql.run(renewLeases, [project_id, project.epoch])
  return project?.epoch
}

/** The last event of a log that a reader has. `frame` is its published text, where that is still known. */
export type LogPlace = { project_id: string; epoch: number; seq: number; frame?: string | undefined }

const find = statement(
  'find_log_place',
  `select p.epoch, p.event_seq as newest, e.frame
   from projects p left join events e on e.project_id = p.id and e.seq = $2 where p.id = $1`,
)

/**
 * Whether a log was set back behind that event in the same epoch: the log ends before it, or has another event in its
 * place. A failover to a standby that lacks the last commits does that.
 */
async function isSetBack(sql: Sql, { project_id, epoch, seq, frame }: LogPlace): Promise<boolean> {
  const [log] = await sql.run<{ epoch: number; newest: number; frame: string | null }>(find, [
    project_id,
    seq,
  ])
  if (log?.epoch !== epoch) return false
  if (log.newest < seq) return true
  if (frame === undefined || log.frame === null) return false
  return readFrame(log.frame, epoch).frame !== readFrame(frame, epoch).frame
}

/** Renews the epoch of a log that was set back; undefined if it was not, or already has a new epoch. */
export async function renewSetBackEpoch(sql: Sql, place: LogPlace): Promise<number | undefined> {
  if (!(await isSetBack(sql, place))) return undefined
  await holdSpawnLock(sql, place.project_id)
  await lockWholeProject(sql, place.project_id)
  return (await isSetBack(sql, place)) ? renewEpoch(sql, place.project_id) : undefined
}
