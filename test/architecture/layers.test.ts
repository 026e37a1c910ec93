import { describe, expect, test } from 'vitest'
import { readSources, readText, roomOf } from './sources.ts'

type Room = { rooms: Set<string>; packages: Set<string> }

/** The table of rooms in docs/architecture.md: `folder | what it holds | may import | packages`. */
function readTable(): Map<string, Room> {
  const rows = readText('docs/architecture.md').matchAll(/^\| (`[^|]+`) \| [^|]+ \| ([^|]+) \| ([^|]*) \|$/gm)
  const names = (cell: string) => new Set([...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  return new Map(
    [...rows].flatMap(([, folders = '', rooms = '', packages = '']) =>
      [...names(folders)].map((folder): [string, Room] => [
        folder,
        { rooms: names(rooms), packages: names(packages) },
      ]),
    ),
  )
}

const table = readTable()
const sources = readSources()

describe('layers', () => {
  test('every room has a row in docs/architecture.md, and every row is a room', () => {
    expect(new Set(table.keys())).toEqual(new Set(sources.map(({ path }) => roomOf(path))))
  })

  test('a room imports only the rooms that its row lists', () => {
    const unlisted = sources.flatMap(({ path, files }) =>
      files
        .filter((file) => roomOf(file) !== roomOf(path) && !table.get(roomOf(path))?.rooms.has(roomOf(file)))
        .map((file) => `${path} imports ${file}`),
    )
    expect(unlisted).toEqual([])
  })

  test('a room imports only the packages that its row lists', () => {
    const unlisted = sources.flatMap(({ path, packages }) =>
      packages
        .filter((name) => !table.get(roomOf(path))?.packages.has(name))
        .map((name) => `${path} imports ${name}`),
    )
    expect(unlisted).toEqual([])
  })

  test('only store/ imports entities, or a package of MikroORM', () => {
    const elsewhere = sources
      .filter(({ path }) => roomOf(path) !== 'store/')
      .flatMap(({ path, files, packages }) =>
        [
          ...files.filter((file) => file.startsWith('src/store/entities/')),
          ...packages.filter((name) => name.startsWith('@mikro-orm/')),
        ].map((name) => `${path} imports ${name}`),
      )
    expect(elsewhere).toEqual([])
  })

  test('a row lists only what its room imports', () => {
    const unused = [...table].flatMap(([room, { rooms, packages }]) => {
      const inside = sources.filter(({ path }) => roomOf(path) === room)
      const used = new Set(inside.flatMap(({ files, packages }) => [...files.map(roomOf), ...packages]))
      return [...rooms, ...packages].filter((name) => !used.has(name)).map((name) => `${room} lists ${name}`)
    })
    expect(unused).toEqual([])
  })

  test('no file imports itself through others, types included', () => {
    expect(findCycles(new Map(sources.map(({ path, files }) => [path, files])))).toEqual([])
  })

  test('no room imports itself through others', () => {
    const rooms = new Map<string, string[]>()
    for (const { path, files } of sources) {
      const others = files.map(roomOf).filter((room) => room !== roomOf(path))
      rooms.set(roomOf(path), [...(rooms.get(roomOf(path)) ?? []), ...others])
    }
    expect(findCycles(rooms)).toEqual([])
  })
})

/** Each way back to a node, found once (depth first). */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) {
      cycles.push([...path.slice(path.indexOf(node)), node].join(' > '))
      return
    }
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of graph.keys()) visit(node, [])
  return cycles
}
