/**
 * `npm run build`: the packages, ready to pack, in `dist/packages/client` (`@signalbox/client`) and
 * `dist/packages/signalbox`. The second has a copy of the first in it, so that it is whole by itself.
 */
import { copyFileSync, cpSync, globSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPages } from './build-dashboard.ts'
import { bundle } from './packages/build/code.ts'
import { writeManifest } from './packages/build/manifest.ts'
import { emitTypes } from './packages/build/types.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const client = 'dist/packages/client'
const server = 'dist/packages/signalbox'

/** An adapter is a file in `src/client/adapters`; programs import it by its name. */
const adapters = globSync('src/client/adapters/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'))
const entries: Record<string, string> = {
  index: 'src/client/index.ts',
  prices: 'src/client/prices.ts',
  ...Object.fromEntries(adapters.sort().map((path) => [basename(path, '.ts'), path])),
}

/** What programs import of the client, below `from` and in `folder` of the package. */
function exportsOf(from: string, folder: string) {
  return Object.fromEntries(
    Object.keys(entries).map((name) => [
      name === 'index' ? from : `${from}/${name}`,
      { types: `${folder}/${name}.d.ts`, default: `${folder}/${name}.js` },
    ]),
  )
}

/** Resolves with what the client imports: its peers. */
async function buildClient(): Promise<Set<string>> {
  const imported = await bundle({
    ...{ root, entries, folder: client, platform: 'neutral' },
    // Small for pages; the maps show the source.
    output: { minify: true, sourcemap: true },
  })
  await emitTypes({ root, entries, folder: client })
  writeManifest({ root, source: 'client', folder: client, imported, exports: exportsOf('.', '.') })
  return imported
}

async function buildServer(peers: Iterable<string>): Promise<void> {
  const code = { root, entries: { cli: 'src/cli/main.ts' }, folder: `${server}/dist` }
  const imported = [...(await bundle({ ...code, platform: 'node' })), ...peers]
  for (const name of globSync('*.{js,map,d.ts}', { cwd: join(root, client) })) {
    cpSync(join(root, client, name), join(root, server, 'dist/client', name))
  }
  for (const folder of ['dist/dashboard', 'dist/swagger-ui']) {
    cpSync(join(root, folder), join(root, server, folder), { recursive: true })
  }
  copyFileSync(join(root, 'CHANGELOG.md'), join(root, server, 'CHANGELOG.md'))
  const exports = exportsOf('./client', './dist/client')
  writeManifest({ root, source: 'signalbox', folder: server, imported, exports })
}

rmSync(join(root, 'dist/packages'), { recursive: true, force: true })
await buildPages()
await buildServer(await buildClient())
for (const [source, folder] of [
  ['client', client],
  ['signalbox', server],
] as const) {
  copyFileSync(join(root, 'packages', source, 'README.md'), join(root, folder, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(root, folder, 'LICENSE'))
}
