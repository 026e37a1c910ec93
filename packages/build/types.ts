import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import type { SourceFile, TypeNode } from 'typescript/unstable/ast'
import {
  isArrayTypeNode,
  isIntersectionTypeNode,
  isMappedTypeNode,
  isParenthesizedTypeNode,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isUnionTypeNode,
} from 'typescript/unstable/ast/is'
import { API, NodeBuilderFlags } from 'typescript/unstable/sync'

/** What the client's types are made of. */
const rooms = ['client', 'domain', 'protocol']
const flags = NodeBuilderFlags.NoTruncation | NodeBuilderFlags.InTypeAlias

type Types = {
  root: string
  /** The source of each entry, by the name of its file. */
  entries: Record<string, string>
  folder: string
}

/**
 * Writes one `.d.ts` for each entry. The source infers its types from valibot's schemas, which are large and would make
 * every user of the types install valibot. So a copy of the source gets what each such type comes to, the compiler makes
 * declarations of that, and a bundler keeps what the entries export.
 */
export async function emitTypes({ root, entries, folder }: Types): Promise<void> {
  const work = join(root, 'dist/types')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  for (const room of rooms) cpSync(join(root, 'src', room), join(work, 'src', room), { recursive: true })
  const names = { type: 'module', imports: { '#src/*': './src/*' } }
  writeFileSync(join(work, 'package.json'), JSON.stringify(names))
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions,
    files: Object.values(entries),
    include: [],
  }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config))
  resolveInferredTypes(work)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '--project', work], { stdio: 'inherit' })
  await bundleDeclarations(work, entries, join(root, folder))
}

const compilerOptions = {
  noEmit: false,
  declaration: true,
  emitDeclarationOnly: true,
  stripInternal: true,
  // `npm run typecheck` has done that. Here the frameworks of the adapters are missing, and their types stay as they are written.
  noCheck: true,
  // What the inferred types came from.
  noUnusedLocals: false,
  rootDir: 'src',
  outDir: 'out',
}

/** Puts in place of each type that is taken from a value (`typeof …`) what it comes to, so that the value can go. */
function resolveInferredTypes(work: string): void {
  const api = new API({ cwd: work })
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(work, 'tsconfig.json')] }).getProjects()
    if (!project) throw new Error('the compiler has not opened the project of the types')
    const { program, checker } = project
    const texts = new Map<string, string>()
    for (const path of globSync('src/**/*.ts', { cwd: work }).map((name) => join(work, name))) {
      const file = program.getSourceFile(path)
      if (!file) continue
      const inferred = file.statements
        .filter(isTypeAliasDeclaration)
        .filter((alias) => !alias.typeParameters)
        .flatMap((alias) => [...findInferred(alias.type, file)])
      let text = file.text
      // From the last to the first, so that the places of the others hold.
      for (const node of inferred.reverse()) {
        const meant = checker.getTypeFromTypeNode(node)
        if (!meant) throw new Error(`${path}: the compiler has no type for ${node.getText(file)}`)
        const shown = checker.typeToString(meant, node, flags)
        const inner = isTypeAliasDeclaration(node.parent) ? shown : `(${shown})`
        text = text.slice(0, node.getStart(file)) + inner + text.slice(node.end)
      }
      texts.set(path, text)
    }
    for (const [path, text] of texts) writeFileSync(path, text)
  } finally {
    api.close()
  }
}

/** The outermost ones. Around them, what is written out (objects, unions, lists) stays, with its comments. */
function* findInferred(node: TypeNode, file: SourceFile): Generator<TypeNode> {
  // A mapped type keeps the comments of what it maps.
  if (!/\btypeof (?!fetch\b)/.test(node.getText(file)) || isMappedTypeNode(node)) return
  if (isTypeLiteralNode(node)) {
    for (const member of node.members) {
      if (isPropertySignatureDeclaration(member) && member.type) yield* findInferred(member.type, file)
    }
  } else if (isUnionTypeNode(node) || isIntersectionTypeNode(node)) {
    for (const part of node.types) yield* findInferred(part, file)
  } else if (isArrayTypeNode(node)) yield* findInferred(node.elementType, file)
  else if (isParenthesizedTypeNode(node)) yield* findInferred(node.type, file)
  else yield node
}

async function bundleDeclarations(work: string, entries: Record<string, string>, dir: string): Promise<void> {
  const toDeclaration = (path: string) => join(work, path.replace(/^src\//, 'out/').replace(/\.ts$/, '.d.ts'))
  const toDeclarations: Plugin = {
    name: 'imports-of-declarations',
    resolveId: {
      order: 'pre',
      handler(id, importer) {
        if (id.startsWith('#src/')) return toDeclaration(`src/${id.slice(5)}`)
        return importer && id.startsWith('.') ? join(dirname(importer), id.replace(/\.ts$/, '.d.ts')) : null
      },
    },
  }
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, toDeclaration(path)])),
    plugins: [toDeclarations, dts({ dtsInput: true, oxc: true, tsconfig: false })],
    external: /^(?![./#]|[a-z]:\\)/i,
  })
  const { output } = await build.write({ dir, format: 'es', chunkFileNames: 'chunk-[name].ts' })
  await build.close()
  for (const { fileName } of output) {
    const path = join(dir, fileName)
    const text = readFileSync(path, 'utf8')
    if (/\bvalibot\b/.test(text)) {
      throw new Error(
        `${fileName} needs valibot: a type that is inferred from a schema is generic, or no alias`,
      )
    }
    writeFileSync(
      path,
      text.replaceAll(/^(?: {2})+/gm, (indent) => '\t'.repeat(indent.length / 2)),
    )
  }
}
