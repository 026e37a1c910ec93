import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const specifier = /(?:\bfrom|\bimport)\s*\(?\s*'([#.@a-z][^'\s]*)'/g

/** What one source file imports, types included: files of `src/` and `migrations/`, and packages. */
export type Source = { path: string; files: string[]; packages: string[] }

export function readSources(): Source[] {
  return globSync('src/**/*.{ts,tsx}', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => {
      const specifiers = [...readFileSync(join(root, path), 'utf8').matchAll(specifier)].map(
        ([, name = '']) => name,
      )
      return {
        path,
        files: specifiers.flatMap((name) => toPath(name, path) ?? []),
        packages: specifiers.flatMap((name) => toPackage(name) ?? []),
      }
    })
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function toPath(name: string, from: string): string | undefined {
  if (name.startsWith('#src/')) return name.slice(1)
  if (name.startsWith('.')) return normalize(join(dirname(from), name))
  return undefined
}

/** Every built-in module counts as `node`. */
function toPackage(name: string): string | undefined {
  if (/^[.#]/.test(name)) return undefined
  if (name.startsWith('node:')) return 'node'
  return /^(@[^/]+\/[^/]+|[^/]+)/.exec(name)?.[0]
}

/** Folders whose own folders are rooms, too. */
const DIVIDED = new Set(['realtime', 'client'])

/** The room of a file, as docs/architecture.md names it: `store/`, `realtime/feed/`, `main.ts`. */
export function roomOf(path: string): string {
  const [, first = '', second = '', third] = path.split('/')
  if (!path.startsWith('src/')) return `${path.split('/')[0]}/`
  if (second === '') return first
  return DIVIDED.has(first) && third !== undefined ? `${first}/${second}/` : `${first}/`
}
