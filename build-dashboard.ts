/**
 * The pages that a server shows: `src/dashboard` becomes `dist/dashboard`, and the files of Swagger UI that the page of
 * the REST API needs are copied to `dist/swagger-ui`. `npm start` runs this file, which builds only what is older than its
 * sources, in about a second.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const source = join(root, 'src/dashboard')
const target = join(root, 'dist/dashboard')
/** Whatever the page is made of. */
const made_from = ['src/dashboard', 'src/client', 'src/protocol', 'src/domain', 'package-lock.json']

/** Of 12 MB that the package has. */
const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE', 'NOTICE']

function copySwagger(): void {
  const from = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const to = join(root, 'dist/swagger-ui')
  mkdirSync(to, { recursive: true })
  for (const name of swaggerFiles) copyFileSync(join(from, name), join(to, name))
}

async function buildDashboard(): Promise<void> {
  const { build } = await import('vite')
  await build({
    root: source,
    base: '/',
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    // Under a test's NODE_ENV Vite would build the development version, but tests must use and measure the page that users load.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    build: {
      target: 'es2023',
      outDir: target,
      emptyOutDir: true,
      // A data URL would need a wider content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // In one file it is compressed together; what views share would else be two dozen small ones.
      rolldownOptions: {
        output: { codeSplitting: { groups: [{ name: nameFirstLoad(), debugName: 'first' }] } },
      },
    },
  })
}

type Graph = { getModuleInfo: (id: string) => { importedIds: readonly string[] } | null }

/** Puts all that the page imports at once into one chunk; what it imports later keeps its own. */
function nameFirstLoad(): (id: string, graph: Graph) => string | null {
  const found = new Set<string>()
  const visit = (id: string, graph: Graph) => {
    if (found.has(id)) return
    found.add(id)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) visit(imported, graph)
  }
  return (id, graph) => {
    visit(join(source, 'main.tsx'), graph)
    return found.has(id) ? 'first' : null
  }
}

function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function isStale(): boolean {
  const pages = [
    join(target, 'index.html'),
    ...swaggerFiles.map((name) => join(root, 'dist/swagger-ui', name)),
  ]
  if (!pages.every((path) => existsSync(path))) return true
  const built_at = statSync(join(target, 'index.html')).mtimeMs
  return made_from.some((path) => newest(join(root, path)) > built_at)
}

export async function buildPages(): Promise<void> {
  copySwagger()
  await buildDashboard()
}

export async function buildPagesIfStale(): Promise<void> {
  if (isStale()) await buildPages()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildPagesIfStale()
  } catch (error) {
    // An install without the development packages has no bundler: the server is whole without the pages.
    console.error(`The dashboard could not be built: ${error instanceof Error ? error.message : error}`)
  }
}
