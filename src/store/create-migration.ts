/**
 * `npm run migration:create -- NAME`: writes the migration that brings the schema from the existing
 * migrations to what the entities say now. Runs on an embedded database that it throws away.
 */
import { openOrm } from './orm.ts'

const orm = await openOrm({ folder: 'memory://' })
await orm.migrator.up()
const { fileName } = await orm.migrator.create(undefined, false, false, process.argv[2])
console.log(fileName || 'the migrations are up to date')
await orm.close(true)
