import type { Logger } from 'pino'
import { DEFAULT_EMAIL } from '#src/commands/first-superuser.ts'
import { type Config, readConfig } from '#src/config/config.ts'
import { startTracing } from '#src/tracing/export.ts'
import { version } from '#src/version.ts'
import { type App, createApp } from './app.ts'
import { describeFirstSuperuser, describeServer, nameCommand, reachableUrl } from './greeting.ts'
import { createLog, type LogOutput } from './log.ts'
import { describeStartFailure } from './start-failure.ts'
import { Troubles } from './troubles.ts'

type Options = {
  /** Aborted when the server is asked to stop. */
  stopping?: AbortController
  /** Whether a terminal gets a few lines for people once the server listens. */
  greets?: boolean
}

/**
 * Starts a server from the environment. Resolves once it listens; exits with one line on stderr if it cannot. While it
 * listens, SIGTERM and SIGINT abort `stopping` and stop the server; before, they end the process as usual.
 */
export async function serve(
  variables: Record<string, string | undefined>,
  { stopping = new AbortController(), greets = true }: Options = {},
): Promise<App> {
  let output: LogOutput | undefined
  try {
    const config = readConfig(variables)
    const made = createLog({ level: config.logLevel, format: config.logFormat })
    output = made.output
    const command = nameCommand(variables)
    return await start(config, { ...made, stopping, ...(greets && made.format === 'text' && { command }) })
  } catch (error) {
    await output?.flush()
    console.error(`Signalbox cannot start: ${describeStartFailure(error)}`)
    process.exit(1)
  }
}

type Surroundings = {
  log: Logger
  output: LogOutput
  stopping: AbortController
  /** For a greeting on a terminal: how people run the command line. */
  command?: string
}

async function start(config: Config, { log, output, stopping, command }: Surroundings): Promise<App> {
  const troubles = new Troubles(log)
  const onTrouble = (trouble: string) =>
    troubles.failsUntilQuiet('traces cannot be exported', trouble, { quiet_ms: 60_000 })
  const stopTracing = config.tracing && (await startTracing(config.tracing, onTrouble))
  const app = await createApp(config, log, {
    countDroppedLines: () => output.dropped,
    // At once: if the start fails later, the superuser exists and its password is never shown again.
    onFirstSuperuser: (superuser) => output.write(describeFirstSuperuser(superuser)),
  })
  const stop = () => app.stop().finally(stopTracing)
  const end = async (code: number) => {
    await output.flush()
    process.exit(code)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      // npm forwards a Ctrl-C that the terminal has sent to this process already, so only a later one forces the exit.
      const askedAt = performance.now()
      process.on(signal, () => performance.now() - askedAt > 1_000 && process.exit(1))
      log.info({ signal }, 'stopping')
      if (command) output.write('\nStopping …\n')
      stopping.abort()
      stop().then(
        () => {
          log.info('stopped')
          return end(0)
        },
        (error: unknown) => {
          log.error({ err: error }, 'the server could not stop cleanly')
          return end(1)
        },
      )
    })
  }
  const { host, port } = await app.listen()
  const name = host.includes(':') ? `[${host}]` : host
  if (command) {
    const url = config.publicUrl ?? reachableUrl(host, port)
    const dataDir = config.databaseUrl ? undefined : config.dataDir
    const email = config.adminEmail ?? DEFAULT_EMAIL
    output.write(describeServer({ version, url, dataDir, command, email }))
  }
  if (!config.databaseUrl) {
    log.info('the embedded database suits trials and single machines; set DATABASE_URL for anything else')
  }
  log.info({ url: `http://${name}:${port}` }, `Signalbox listens on http://${name}:${port}`)
  return app
}
