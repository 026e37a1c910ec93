/** `npm run build`: what `npm pack` ships. Each entry becomes one module in `dist/`; dependencies stay outside. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type InlineConfig } from 'vite'
import { buildDashboard } from './build-dashboard.ts'

type Entry = { source: string; runs_in: keyof typeof platforms }

const platforms = {
  /** Browsers, and Node as well: nothing of either is used without asking whether it is there. */
  browser: { target: 'es2023', ssr: false },
  node: { target: 'node22', ssr: true },
} as const

/** By the name of the file in `dist/`. */
const entries: Record<string, Entry> = {
  client: { source: 'src/client/index.ts', runs_in: 'browser' },
  cli: { source: 'src/cli/main.ts', runs_in: 'node' },
}

const root = fileURLToPath(new URL('.', import.meta.url))
/** Everything that is not of this repository. */
const external = /^(?![./#]|[a-z]:\\)/i

function configOf(name: string, { source, runs_in }: Entry): InlineConfig {
  const { target, ssr } = platforms[runs_in]
  return {
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      target,
      ssr,
      minify: false,
      outDir: 'dist',
      emptyOutDir: false,
      lib: { entry: { [name]: source }, formats: ['es'] },
      rolldownOptions: {
        external,
        output: { entryFileNames: '[name].js', chunkFileNames: `${name}-[name].js` },
      },
    },
  }
}

function emitTypes(): void {
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url))
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' })
}

rmSync(new URL('dist', import.meta.url), { recursive: true, force: true })
for (const [name, entry] of Object.entries(entries)) await build(configOf(name, entry))
await buildDashboard()
emitTypes()
