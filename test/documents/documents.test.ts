import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { type ErrorKind, errorCodes } from '#src/domain/errors.ts'
import { transitions } from '#src/domain/lifecycle.ts'
import { httpStatus } from '#src/http/errors.ts'
import { closeCodes } from '#src/protocol/close-codes.ts'
import { serverMessages } from '#src/protocol/messages/down.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const documents = globSync(['*.md', 'docs/*.md'], { cwd: root })

describe('the documents', () => {
  test('show the lifecycle as the code has it', () => {
    const section = sectionOf(read('docs/architecture.md'), 'Lifecycle')
    const rows = [...section.matchAll(/^\| (\w+) \| ([\w, ]*)\|$/gm)].slice(1)
    const table = rows.map(([, from, to]) => [from, to?.trim() ? to.trim().split(', ') : []])
    expect(Object.fromEntries(table)).toEqual(transitions)
  })

  test('show messages as clients and servers send them', () => {
    const all: Record<string, v.GenericSchema> = { ...serverMessages, ...clientMessages }
    const blocks = [...read('docs/protocol.md').matchAll(/```json\n(.*?)\n```/gs)]
    expect(blocks.length).toBeGreaterThan(15)
    for (const [, text = ''] of blocks) {
      const message: { type: string } = JSON.parse(text)
      expect(v.safeParse(all[message.type] ?? v.never(), message).issues, text).toBeUndefined()
    }
  })

  test('have a section for every message of the protocol', () => {
    const headings = [...read('docs/protocol.md').matchAll(/^### (.+)$/gm)].flatMap(([, text = '']) =>
      text.split(' and '),
    )
    const names = [...Object.keys(clientMessages), ...Object.keys(serverMessages)]
    expect(names.filter((name) => !headings.includes(name))).toEqual([])
  })

  test('list the close codes that the server uses', () => {
    const section = sectionOf(read('docs/protocol.md'), 'Close codes')
    const listed = [...section.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, text = '']) => text.split(', '))
    const used = Object.values(closeCodes).map(({ code }) => String(code))
    expect(used.filter((code) => !listed.includes(code))).toEqual([])
  })

  test('list every error code with its HTTP status', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\w+) \|/gm)]
    const listed = new Set(rows.map(([, code, status]) => `${code} ${status}`))
    const kinds = Object.keys(errorCodes) as ErrorKind[]
    const used = kinds.map((kind) => {
      const code = errorCodes[kind]
      return `${code} ${/^RT_00[12]$/.test(code) ? 'WebSocket' : httpStatus[kind]}`
    })
    expect(listed).toEqual(new Set(used))
  })

  test('link to files and headings that are there', () => {
    const broken = documents.flatMap((document) =>
      [...read(document).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target) && !leads(document, target))
        .map((target) => `${document}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  test('name files that are there, where they say how to add something', () => {
    const section = sectionOf(read('CONTRIBUTING.md'), 'How to add')
    const named = [...section.matchAll(/`((?:src|docs|migrations)\/[^`]+)`/g)].map(([, path = '']) => path)
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('keep the README short', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(100)
  })
})

function sectionOf(text: string, heading: string): string {
  return text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
}

function leads(document: string, target: string): boolean {
  const [path = '', heading] = target.split('#')
  const file = path === '' ? document : join(dirname(document), path)
  if (!existsSync(join(root, file))) return false
  if (heading === undefined) return true
  const slugs = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
  return slugs.includes(heading)
}
