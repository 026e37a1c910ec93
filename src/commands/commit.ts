import type { Bus } from '#src/bus/bus.ts'
import type { Time } from '#src/domain/time.ts'
import type { Database, TransactionOptions } from '#src/store/database.ts'
import { UnitOfWork } from './unit-of-work.ts'

type CommitContext = { database: Pick<Database, 'transaction'>; bus: Pick<Bus, 'publish'>; clock: () => Time }

/**
 * One transaction that changes agents: `work` decides and writes, and the events are published once it is committed. After
 * a lost deadlock `work` is called again, with a new unit of work and the time of then.
 */
export async function commit<Result>(
  { database, bus, clock }: CommitContext,
  work: (unit: UnitOfWork) => Promise<Result>,
  options?: TransactionOptions,
): Promise<Result> {
  const { result, events } = await database.transaction(async (sql) => {
    const unit = new UnitOfWork(sql, clock())
    return { result: await work(unit), events: await unit.flush() }
  }, options)
  for (const event of events) bus.publish(event)
  return result
}
