import { type Logger, pino } from 'pino'
import { type App, createApp } from './app.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { startTracing } from './tracing/export.ts'

/** Starts a server from the environment and stops it on SIGTERM or SIGINT. Resolves once it listens. */
export async function serve(variables: Record<string, string | undefined>): Promise<App | undefined> {
  let config: Config
  try {
    config = readConfig(variables)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`Signalbox cannot start:\n${error.message.replace(/^/gm, '  ')}`)
    process.exitCode = 1
    return undefined
  }
  const log: Logger = pino({ level: config.log_level, base: null })
  try {
    return await start(config, log)
  } catch (error) {
    log.fatal({ err: error }, 'the start failed')
    console.error(`Signalbox cannot start: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
    return undefined
  }
}

async function start(config: Config, log: Logger): Promise<App> {
  const onTrouble = (trouble: string) => log.warn({ trouble }, 'traces cannot be exported')
  const stopTracing = config.tracing && (await startTracing(config.tracing, onTrouble))
  const app = await createApp(config, log)
  const stop = () => app.stop().finally(stopTracing)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      // npm passes on a Ctrl-C that the terminal has sent us already: only a later one is impatience.
      const asked_at = performance.now()
      process.on(signal, () => performance.now() - asked_at > 1_000 && process.exit(1))
      log.info({ signal }, 'stopping')
      stop().then(
        () => {
          log.info('stopped')
          process.exit()
        },
        (error: unknown) => {
          log.error({ err: error }, 'the stop failed')
          process.exit(1)
        },
      )
    })
  }
  const { host, port } = await app.listen()
  const name = host.includes(':') ? `[${host}]` : host
  if (!config.database_url) {
    log.info('the embedded database is meant for trying out and for single machines')
  }
  if (app.created_superuser) {
    const { email, password } = app.created_superuser
    console.log(`\nThe first superuser is ${email} with the password ${password}\nIt is shown this once.\n`)
  }
  log.info({ url: `http://${name}:${port}` }, `Signalbox listens on http://${name}:${port}`)
  return app
}
