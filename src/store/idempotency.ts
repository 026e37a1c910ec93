import { type Sql, statement } from './database.ts'

/** A request that is to be done once: whose, what, under which key, and what exactly. */
export type Claim = { principal_id: string; operation: string; key: string; fingerprint: string }
export type KeptAnswer = { status: number; location: string | null; body: string }

const KEPT_MS = 24 * 60 * 60 * 1000

const claimKey = statement(
  'claim_key',
  `insert into idempotent_answers (principal_id, operation, key, fingerprint, created_at) values ($1, $2, $3, $4, $5)
   on conflict (principal_id, operation, key) do update
     set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
       status = null, location = null, body = null
     where idempotent_answers.created_at < $6
   returning key`,
)
const readKept = statement(
  'read_kept_answer',
  `select fingerprint, status, location, body from idempotent_answers
   where principal_id = $1 and operation = $2 and key = $3`,
)

/**
 * Claims a key for the caller's transaction, before anything else is locked: another with the same key waits
 * here for its end. Returns the answer of an earlier one, if there was one.
 */
export async function claimAnswer(
  sql: Sql,
  { principal_id, operation, key, fingerprint }: Claim,
): Promise<(KeptAnswer & { fingerprint: string }) | undefined> {
  const now = new Date()
  const too_old = new Date(now.getTime() - KEPT_MS).toISOString()
  const values = [principal_id, operation, key, fingerprint, now.toISOString(), too_old]
  if ((await sql.run(claimKey, values)).length > 0) return undefined
  const [kept] = await sql.run<KeptAnswer & { fingerprint: string }>(readKept, [principal_id, operation, key])
  if (!kept) throw new Error('an answer was forgotten while it was asked for')
  return kept
}

const keep = statement(
  'keep_answer',
  `update idempotent_answers set status = $4, location = $5, body = $6
   where principal_id = $1 and operation = $2 and key = $3`,
)

export async function keepAnswer(
  sql: Sql,
  { principal_id, operation, key }: Claim,
  { status, location, body }: KeptAnswer,
): Promise<void> {
  await sql.run(keep, [principal_id, operation, key, status, location, body])
}

const forget = statement(
  'forget_answers',
  `delete from idempotent_answers where ctid in (select ctid from idempotent_answers where created_at < $1 limit $2)
   returning 1 as forgotten`,
)

/** Removes up to `limit` answers whose day is over; returns how many. */
export async function forgetAnswers(sql: Sql, limit: number): Promise<number> {
  const too_old = new Date(Date.now() - KEPT_MS).toISOString()
  return (await sql.run(forget, [too_old, limit])).length
}

const savepoint = statement('savepoint_handled', 'savepoint handled')
const rollback = statement('rollback_handled', 'rollback to savepoint handled')

/** Runs part of a transaction; where it rejects and `onRefusal` has a result for that, only that part is undone. */
export async function attempt<Result>(
  sql: Sql,
  work: () => Promise<Result>,
  onRefusal: (error: unknown) => Result | undefined,
): Promise<Result> {
  await sql.run(savepoint)
  try {
    return await work()
  } catch (error) {
    const result = onRefusal(error)
    if (result === undefined) throw error
    await sql.run(rollback)
    return result
  }
}
