import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Versions = Record<string, string>

/** The fields that only this package has, from its `manifest.json`. */
type Own = { name: string; [field: string]: unknown }

/** What the packages share with the repository, from its `package.json`. */
type Shared = {
  version: string
  license: string
  engines: { node: string }
  repository: object
  homepage: string
  bugs: string
  dependencies: Versions
  /** All of them are optional. */
  peerDependencies: Versions
}

type Manifest = {
  root: string
  /** Its folder in `packages/`. */
  source: string
  folder: string
  /** What its code imports. */
  imported: Iterable<string>
  exports: Record<string, string | { types: string; default: string }>
}

function readJson<Content>(...path: string[]): Content {
  return JSON.parse(readFileSync(join(...path), 'utf8'))
}

/** Writes the `package.json` of a package. Its dependencies are what it really imports, in the repository's versions. */
export function writeManifest({ root, source, folder, imported, exports }: Manifest): void {
  const { dependencies, peerDependencies, ...shared } = readJson<Shared>(root, 'package.json')
  const { name, ...own } = readJson<Own>(root, 'packages', source, 'manifest.json')
  const needed: Versions = {}
  const peers: Versions = {}
  for (const other of [...imported].sort()) {
    const [version, range] = [dependencies[other], peerDependencies[other]]
    if (version) needed[other] = version
    else if (range) peers[other] = range
    else throw new Error(`${name} imports ${other}, which is neither a dependency nor a peer in package.json`)
  }
  const optional = Object.fromEntries(Object.keys(peers).map((peer) => [peer, { optional: true }]))
  const { version, license, engines, repository, homepage, bugs } = shared
  const manifest = {
    ...{ name, version, license, type: 'module', engines, repository, homepage, bugs, ...own },
    exports: { ...exports, './package.json': './package.json' },
    ...(Object.keys(needed).length > 0 && { dependencies: needed }),
    ...(Object.keys(peers).length > 0 && { peerDependencies: peers, peerDependenciesMeta: optional }),
    publishConfig: { access: 'public', provenance: true },
  }
  writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}
