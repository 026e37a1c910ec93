/**
 * The dashboard's page: `src/dashboard` becomes `dist/dashboard`. `npm start` runs this file, which builds only what
 * is older than its sources, in about a second.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const source = join(root, 'src/dashboard')
const target = join(root, 'dist/dashboard')
/** Whatever the page is made of. */
const made_from = ['src/dashboard', 'src/client', 'src/protocol', 'src/domain', 'package-lock.json']

export async function buildDashboard(): Promise<void> {
  const { build } = await import('vite')
  await build({
    root: source,
    base: '/',
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      target: 'es2023',
      outDir: target,
      emptyOutDir: true,
      // A data URL would need a wider content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })
}

function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function isStale(): boolean {
  const page = join(target, 'index.html')
  if (!existsSync(page)) return true
  const built_at = statSync(page).mtimeMs
  return made_from.some((path) => newest(join(root, path)) > built_at)
}

export async function buildDashboardIfStale(): Promise<void> {
  if (isStale()) await buildDashboard()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildDashboardIfStale()
  } catch (error) {
    // An install without the development packages has no bundler: the server is whole without the page.
    console.error(`The dashboard could not be built: ${error instanceof Error ? error.message : error}`)
  }
}
