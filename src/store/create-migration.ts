/**
 * `npm run migration:create -- NAME`: writes the migration that brings the schema from the existing
 * migrations to what the entities say now. Runs on an embedded database that it throws away.
 */
import { fileURLToPath } from 'node:url'
import { openOrm } from './orm.ts'

const orm = await openOrm(
  { folder: 'memory://' },
  {
    path: fileURLToPath(new URL('../../migrations', import.meta.url)),
    glob: 'Migration*.ts',
    snapshot: false,
    emit: 'ts',
  },
)
await orm.migrator.up()
const { fileName } = await orm.migrator.create(undefined, false, false, process.argv[2])
console.log(fileName ? `${fileName}: add it to migrations/index.ts` : 'the migrations are up to date')
await orm.close(true)
