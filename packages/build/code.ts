import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { type OutputOptions, rolldown } from 'rolldown'

/** Everything that is not of this repository stays an import. */
const external = /^(?![./#]|[a-z]:\\)/i
const builtin = new Set(builtinModules)

type Code = {
  root: string
  /** The source of each entry, by the name of its file. */
  entries: Record<string, string>
  folder: string
  platform: 'neutral' | 'node'
  output?: OutputOptions
}

/** Bundles each entry into a module; what several share goes into chunks. Resolves with the packages that it imports. */
export async function bundle({ root, entries, folder, platform, output }: Code): Promise<Set<string>> {
  const build = await rolldown({
    cwd: root,
    input: entries,
    external,
    platform,
    transform: { target: platform === 'node' ? 'node22' : 'es2023' },
  })
  const { output: files } = await build.write({
    dir: join(root, folder),
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name].js',
    ...output,
  })
  await build.close()
  const imported = files.flatMap((file) =>
    file.type === 'chunk' ? [...file.imports, ...file.dynamicImports] : [],
  )
  const names = new Set<string>()
  const own = new Set(files.map(({ fileName }) => fileName))
  for (const specifier of imported) {
    const [, name = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? []
    if (!own.has(specifier) && !specifier.startsWith('node:') && !builtin.has(name)) names.add(name)
  }
  return names
}
