import type { Command } from 'commander'
import { defineLocal, number, text } from '../command.ts'
import { CliError } from '../failure.ts'

/** What runs a server, on this machine. Each loads what it needs when it is called: the others stay quick. */
export function addServer(program: Command): void {
  defineLocal(program, {
    usage: 'serve',
    summary: 'Start a server; environment variables configure it (README: Configuration)',
    examples: ['serve', 'serve --host 0.0.0.0 --port 9000'],
    options: {
      host: text('--host <address>', 'instead of HOST'),
      port: number('--port <number>', 'instead of PORT'),
    },
    async run({ options: { host, port } }) {
      const { serve } = await import('#src/serve.ts')
      await serve({
        ...process.env,
        ...(host !== undefined && { HOST: host }),
        ...(port !== undefined && { PORT: String(port) }),
      })
    },
  })
  defineLocal(program, {
    usage: 'migrate',
    summary: 'Bring the schema of the database up to date, and end; a server does the same at its start',
    examples: ['migrate'],
    run: () => runMigrations(process.env),
  })
  defineLocal(program, {
    usage: 'demo',
    summary: 'Start a server with a simulated fleet, and say how to watch it',
    examples: ['demo'],
    async run() {
      const { runDemo } = await import('#src/demo/run.ts')
      await runDemo(process.env)
    },
  })
}

async function runMigrations(variables: Record<string, string | undefined>): Promise<void> {
  const { ConfigError, readConfig } = await import('#src/config.ts')
  const { migrateDatabase } = await import('#src/migrate.ts')
  try {
    const done = await migrateDatabase(readConfig(variables))
    for (const name of done) console.log(name)
    console.log(done.length === 0 ? 'The database is up to date' : `${done.length} migrations are done`)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CliError('usage', error.message.replaceAll('\n', '; '))
  }
}
