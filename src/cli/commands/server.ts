import type { Command } from 'commander'
import { isId } from '#src/domain/id.ts'
import { defineGroup, defineLocal, number, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { runLocally } from '../local.ts'

/** Commands that run a server on this machine. Each loads the server when it is called, so that others start quickly. */
export function addServer(program: Command): void {
  defineLocal(program, {
    usage: 'serve',
    summary: 'Start a server, configured by environment variables (docs/configuration.md)',
    examples: ['serve', 'serve --host 0.0.0.0 --port 9000', 'serve --log-format json'],
    options: {
      host: text('--host <address>', 'instead of HOST'),
      port: number('--port <number>', 'instead of PORT'),
      logFormat: text('--log-format <format>', 'json or text, instead of LOG_FORMAT'),
    },
    async run({ options: { host, port, logFormat } }) {
      const { serve } = await import('#src/server/serve.ts')
      const given = {
        ...(host !== undefined && { HOST: host }),
        ...(port !== undefined && { PORT: String(port) }),
        ...(logFormat !== undefined && { LOG_FORMAT: logFormat }),
      }
      await serve({ ...process.env, ...given })
    },
  })
  defineLocal(program, {
    usage: 'migrate',
    summary: 'Update the schema of the database and exit; a server does the same when it starts',
    examples: ['migrate'],
    run: runMigrations,
  })
  const epoch = defineGroup(program, 'epoch', 'Prepare a database that was restored from a backup')
  defineLocal(epoch, {
    usage: 'bump',
    summary: 'Give projects a new epoch, so that every reader starts from a new snapshot',
    examples: ['epoch bump', 'epoch bump --project 0193a1b2-0000-7000-8000-000000000002'],
    options: { project: text('--project <id>', 'only this project (default: all)') },
    run: ({ options: { project } }) => bump(project),
  })
  defineLocal(program, {
    usage: 'demo',
    summary: 'Start a server with a simulated fleet',
    examples: ['demo'],
    async run() {
      const { runDemo } = await import('#src/demo/run.ts')
      await runDemo(process.env)
    },
  })
}

async function runMigrations(): Promise<void> {
  const done = await runLocally(async ({ config, watch }) => {
    const { migrateDatabase } = await import('#src/server/migrate.ts')
    return migrateDatabase(config, watch)
  })
  for (const name of done) console.log(name)
  console.log(done.length === 0 ? 'The database is up to date' : `${done.length} migrations are done`)
}

async function bump(project_id: string | undefined): Promise<void> {
  if (project_id !== undefined && !isId(project_id)) throw new CliError('usage', '--project must be an id')
  const renewed = await runLocally(async ({ config, watch }) => {
    const { bumpEpochs } = await import('#src/server/epochs.ts')
    return bumpEpochs(config, watch, project_id)
  })
  if (renewed.length === 0)
    throw new CliError('failed', 'There is no project in this database: check DATABASE_URL')
  for (const { project_id, epoch } of renewed) console.log(`${project_id} ${epoch}`)
}
