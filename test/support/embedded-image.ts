import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import { migrate } from '#src/store/migrate.ts'
import { closeOrm, openOrm } from '#src/store/orm.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules/.cache/signalbox')

/** What the image depends on. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  const folder = join(root, 'migrations')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort()
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)))
  const pglite = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  hash.update(await readFile(join(dirname(pglite), '../package.json')))
  return hash.digest('hex').slice(0, 16)
}

/**
 * Makes a migrated embedded database, unless an earlier run has made it, and returns the path of its image. To load the
 * image takes a third of the time of a new database, and most tests need one.
 */
export async function makeEmbeddedImage(): Promise<string> {
  const path = join(cache, `embedded-${await fingerprint()}.tar`)
  if (existsSync(path)) return path
  const location = { folder: 'memory://' }
  const orm = await openOrm(location)
  try {
    await migrate(orm, location)
    const pglite: unknown = await orm.em.getConnection().getNativeClient()
    const image = await (pglite as PGlite).dumpDataDir('none')
    await mkdir(cache, { recursive: true })
    // Another run may be making the same.
    const own = `${path}.${process.pid}`
    await writeFile(own, Buffer.from(await image.arrayBuffer()))
    await rename(own, path)
  } finally {
    await closeOrm(orm)
  }
  return path
}
