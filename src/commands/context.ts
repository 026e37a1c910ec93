import type { Bus } from '#src/bus/bus.ts'
import type { Time } from '#src/domain/time.ts'
import type { Database, Transaction } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { commit } from './commit.ts'
import { agentOf, type Writes, writeBatch } from './write-batch.ts'

/** What commands work with. */
export type CommandContext = {
  /** Without `snapshot`: the database may be a running transaction, in which no snapshot can begin. */
  database: Omit<Database, 'snapshot'>
  bus: Bus
  writes: Writes
  clock: () => Time
  /** The database is a running transaction of the caller, whose locks are taken in the one order, too. */
  isJoined?: true
}

/**
 * The same context inside a transaction of the caller: its commands write as part of that transaction, and what they
 * publish is collected in `events`, for the caller to publish after the commit.
 */
export function joinTransaction<Context extends CommandContext>(
  context: Context,
  sql: Transaction,
): { context: Context; events: LoggedEvent[] } {
  const events: LoggedEvent[] = []
  const database: CommandContext['database'] = {
    ...context.database,
    run: sql.run,
    transaction: (work) => work(sql),
  }
  const bus: Bus = { ...context.bus, publish: (event) => events.push(event) }
  const writes: Writes = {
    async submit(request) {
      return agentOf(await commit({ ...context, database, bus }, (work) => writeBatch(work, [request])))
    },
  }
  return { context: { ...context, database, bus, writes, isJoined: true }, events }
}
