import type { Config } from '#src/config/config.ts'
import type { MigrationWatch } from '#src/server/migrate.ts'
import { CliError } from './failure.ts'

/** What a command on the server's database needs, without a running server. */
export type Local = { config: Config; watch: MigrationWatch }

/**
 * Runs such a command with the server's variables. It loads the server's modules only when it is called, so that other
 * commands start quickly.
 */
export async function runLocally<Result>(work: (local: Local) => Promise<Result>): Promise<Result> {
  const { readConfig } = await import('#src/config/config.ts')
  const { describeStartFailure } = await import('#src/server/start-failure.ts')
  try {
    const watch: MigrationWatch = (phase, seconds) => console.error(`signalbox: ${phase} (${seconds} s)`)
    return await work({ config: readConfig(process.env), watch })
  } catch (error) {
    throw new CliError('failed', describeStartFailure(error))
  }
}
