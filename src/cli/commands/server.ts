import type { Command } from 'commander'
import type { Config } from '#src/config.ts'
import { defineGroup, defineLocal, number, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { isId } from '../resolve.ts'

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
  const epoch = defineGroup(program, 'epoch', 'What is done after a backup of the database was restored')
  defineLocal(epoch, {
    usage: 'bump',
    summary: 'Give projects a new epoch in the database, so that every reader begins anew from a snapshot',
    examples: ['epoch bump', 'epoch bump --project 0193a1b2-0000-7000-8000-000000000002'],
    options: { project: text('--project <id>', 'this one alone, instead of all') },
    run: ({ options: { project } }) => bump(process.env, project),
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

async function runMigrations(variables: Variables): Promise<void> {
  const { migrateDatabase } = await import('#src/migrate.ts')
  const done = await migrateDatabase(await configure(variables))
  for (const name of done) console.log(name)
  console.log(done.length === 0 ? 'The database is up to date' : `${done.length} migrations are done`)
}

async function bump(variables: Variables, project_id: string | undefined): Promise<void> {
  if (project_id !== undefined && !isId(project_id)) throw new CliError('usage', '--project must be an id')
  const { bumpEpochs } = await import('#src/epochs.ts')
  const { SignalboxError } = await import('#src/domain/errors.ts')
  try {
    const renewed = await bumpEpochs(await configure(variables), project_id)
    if (renewed.length === 0)
      throw new CliError('failed', 'There is no project in this database: is it the right one?')
    for (const { project_id, epoch } of renewed) console.log(`${project_id} ${epoch}`)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    throw new CliError('failed', error.message)
  }
}

type Variables = Record<string, string | undefined>

async function configure(variables: Variables): Promise<Config> {
  const { ConfigError, readConfig } = await import('#src/config.ts')
  try {
    return readConfig(variables)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CliError('failed', error.message.replaceAll('\n', '; '))
  }
}
