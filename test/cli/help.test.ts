import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { listPlaces } from '#src/cli/completion/places.ts'
import { scripts } from '#src/cli/completion/scripts.ts'
import { exitCodes } from '#src/cli/failure.ts'
import { createProgram } from '#src/cli/program.ts'
import { findInPath } from '../support/services.ts'

type Named = { path: string; command: Command }

function walk(command: Command, path = ''): Named[] {
  const below = command.commands.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))
  return [{ path, command }, ...below]
}

const all = walk(createProgram())
const leaves = all.filter(({ command }) => command.commands.length === 0)

function helpOf({ command }: Named): string {
  let help = ''
  const own = command.configureOutput()
  command.configureOutput({ ...own, writeOut: (part) => (help += part) })
  command.outputHelp()
  return help
}

describe('the help of', () => {
  it.each(leaves)('$path has an example of it, with options that it has', (leaf) => {
    const examples =
      helpOf(leaf)
        .split(/\nExamples?:\n/)[1]
        ?.trimEnd()
        .split('\n') ?? []
    expect(examples.length).toBeGreaterThan(0)
    const flags = leaf.command.options.flatMap(({ long, short }) => [long, short])
    for (const example of examples) {
      expect(example).toContain(`signalbox ${leaf.path}`)
      const [own = ''] = example.split(/ [|>]| -- /)
      for (const [, flag] of own.replaceAll(/"[^"]*"|'[^']*'/g, '').matchAll(/ (--?[a-z][\w-]*)/g)) {
        expect(flags, example).toContain(flag)
      }
    }
  })

  it.each(all)('"$path" describes each command and option', ({ command }) => {
    for (const child of command.commands) expect(child.summary()).not.toBe('')
    for (const { description } of command.options) expect(description).not.toBe('')
  })
})

describe('docs/cli.md', () => {
  const section = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')

  it('lists the exit codes of the commands', () => {
    const listed = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(listed).toEqual(Object.values(exitCodes))
  })

  it('shows only existing commands', () => {
    const paths = leaves.map(({ path }) => path)
    const shown = [...section.matchAll(/signalbox ([a-z]+(?: [a-z-]+)?)(?= |\n)/g)].map(
      ([, words]) => `${words} `,
    )
    expect(shown.length).toBeGreaterThan(5)
    expect(shown.filter((words) => !paths.some((path) => words.startsWith(`${path} `)))).toEqual([])
  })
})

describe('completion', () => {
  const places = listPlaces(createProgram())
  const completions: [line: string, found: string[]][] = [
    ['age', ['agents']],
    ['agents p', ['pause']],
    ['agents pause Ada --re', ['--reason']],
    ['agents list --status wai', ['waiting']],
    ['keys create deploy --role ', ['operator', 'viewer', 'runtime']],
    ['completion ', ['--help']],
  ]

  it.each(completions)('completes "%s" in bash', (line, found) => {
    const words = ['signalbox', ...line.split(' ')].map((word) => `'${word}'`)
    const script = `${scripts.bash(places)}
      COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _signalbox; echo "\${COMPREPLY[*]}"`
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim()).toBe(found.join(' '))
  })

  it.each(['zsh', 'fish'] as const)('for %s has every command', (shell) => {
    const script = scripts[shell](places)
    for (const { path } of leaves) for (const word of path.split(' ')) expect(script).toContain(word)
    // Where the shell is there, it reads the script.
    if (findInPath(shell)) execFileSync(shell, ['-n', '-c', script])
  })
})
