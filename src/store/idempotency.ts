import { ANSWER_KEPT_HOURS } from './bounds.ts'
import { type Sql, statement, type Transaction } from './database.ts'

/** A request that must be done only once. */
export type Claim = { principal_id: string; operation: string; key: string; fingerprint: string }
export type KeptAnswer = { status: number; location: string | null; body: string }

const claimKey = statement(
  'claim_key',
  `insert into idempotent_answers (principal_id, operation, key, fingerprint, created_at) values ($1, $2, $3, $4, now())
   on conflict (principal_id, operation, key) do update
     set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
       status = null, location = null, body = null
     where idempotent_answers.created_at < now() - make_interval(hours => $5)
   returning key`,
)
const readKept = statement(
  'read_kept_answer',
  `select fingerprint, status, location, body from idempotent_answers
   where principal_id = $1 and operation = $2 and key = $3`,
)

/**
 * Claims a key for the caller's transaction, before anything else is locked. A second request with the key waits here for
 * the first. Returns the answer of an earlier request, if there was one.
 */
export async function claimAnswer(
  sql: Sql,
  { principal_id, operation, key, fingerprint }: Claim,
): Promise<(KeptAnswer & { fingerprint: string }) | undefined> {
  const values = [principal_id, operation, key, fingerprint, ANSWER_KEPT_HOURS]
  if ((await sql.run(claimKey, values)).length > 0) return undefined
  const [kept] = await sql.run<KeptAnswer & { fingerprint: string }>(readKept, [principal_id, operation, key])
  if (!kept) throw new Error('an answer was deleted while it was read')
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
  `delete from idempotent_answers where ctid in
     (select ctid from idempotent_answers where created_at < now() - make_interval(hours => $1) limit $2)
   returning 1 as forgotten`,
)

/** Deletes up to `limit` answers that are older than a day; returns how many. */
export async function forgetAnswers(sql: Sql, limit: number): Promise<number> {
  return (await sql.run(forget, [ANSWER_KEPT_HOURS, limit])).length
}

const savepoint = statement('savepoint_handled', 'savepoint handled')
const rollback = statement('rollback_handled', 'rollback to savepoint handled')

/** Runs part of a transaction. If it rejects and `onRefusal` has a result for the error, only that part is undone. */
export async function attempt<Result>(
  sql: Transaction,
  work: () => Promise<Result>,
  onRefusal: (error: unknown) => Result | undefined,
): Promise<Result> {
  sql.send(savepoint)
  try {
    return await work()
  } catch (error) {
    const result = onRefusal(error)
    if (result === undefined) throw error
    await sql.run(rollback)
    return result
  }
}
