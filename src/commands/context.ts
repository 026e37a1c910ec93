import type { Bus } from '#src/bus/bus.ts'
import type { Time } from '#src/domain/agent.ts'
import type { Database } from '#src/store/database.ts'
import type { Orm } from '#src/store/orm.ts'
import type { WriteQueue } from './write-queue.ts'

/** What commands work with. */
export type CommandContext = {
  orm: Orm
  database: Database
  bus: Bus
  writes: WriteQueue
  clock: () => Time
}
