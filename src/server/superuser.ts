import { randomBytes } from 'node:crypto'
import { resetSuperuser } from '#src/commands/reset-superuser.ts'
import type { Config } from '#src/config/config.ts'
import { DatabaseClock } from '#src/store/clock.ts'
import { openDatabase } from '#src/store/database.ts'
import { type MigrationWatch, withMigratedDatabase } from './migrate.ts'

/** Gives a superuser, by default the oldest, a new random password. */
export function resetSuperuserPassword(
  config: Config,
  watch: MigrationWatch,
  email?: string,
): Promise<{ email: string; password: string }> {
  const password = randomBytes(15).toString('base64url')
  return withMigratedDatabase(config, watch, async ({ orm, location }) => {
    const database = await openDatabase(orm, location)
    const clock = new DatabaseClock()
    await clock.sync(database)
    return { email: await resetSuperuser({ database, clock: clock.time }, { email, password }), password }
  })
}
