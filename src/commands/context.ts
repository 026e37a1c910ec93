import type { Bus } from '#src/bus/bus.ts'
import type { Time } from '#src/domain/agent.ts'
import type { Database, Transaction } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import type { Orm } from '#src/store/orm.ts'
import { type Writes, writeBatch } from './write-batch.ts'

/** What commands work with. */
export type CommandContext = {
  orm: Orm
  database: Database
  bus: Bus
  writes: Writes
  clock: () => Time
}

/**
 * The same context inside a transaction of the caller's: what commands write is part of it, and what they
 * publish is in `events`, for after its commit. MikroORM's side stays outside.
 */
export function joinTransaction<Context extends CommandContext>(
  context: Context,
  sql: Transaction,
): { context: Context; events: LoggedEvent[] } {
  const events: LoggedEvent[] = []
  const writes: Writes = {
    async submit(request) {
      const batch = await writeBatch(sql, [request], context.clock())
      const [settled] = batch.settled
      if (!settled || 'error' in settled) throw settled?.error
      events.push(...batch.events)
      return settled.agent
    },
  }
  const database: Database = { ...context.database, run: sql.run, transaction: (work) => work(sql) }
  const bus: Bus = { ...context.bus, publish: (event) => events.push(event) }
  return { context: { ...context, database, bus, writes }, events }
}
