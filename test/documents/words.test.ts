import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Words that a native speaker would replace: the subject has a name, and each sentence says one thing. */
const refused =
  /\b(whoever|nobody|somebody|anew|meanwhile|lest|by and by|so many|so long as|is told|are told|goes on|go on)\b/i

/** Words in quotation marks are what somebody else says, or code. */
const withoutCode = (text: string) => text.replace(/```.*?```/gs, '').replace(/`[^`\n]*`/g, '')

test('documents are in plain English', () => {
  const files = globSync(['*.md', 'docs/*.md', 'examples/*.md'], { cwd: root })
  expect(files.flatMap((file) => findLines(file, withoutCode(read(file))))).toEqual([])
})

test('what people read of the program is in plain English', () => {
  const files = globSync(['src/**/*.{ts,tsx}', 'ops/prometheus/*.yml'], { cwd: root })
  expect(files.flatMap((file) => findLines(file, read(file).replace(comments, '')))).toEqual([])
})

const comments = /\/\*.*?\*\/|^\s*\/\/.*$|^\s*#.*$/gms

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function findLines(file: string, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => refused.test(line))
    .map((line) => `${file}: ${line.trim()}`)
}
