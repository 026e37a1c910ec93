import type { Command } from 'commander'
import { defineLocal } from '../command.ts'
import { listPlaces } from '../completion/places.ts'
import { scripts } from '../completion/scripts.ts'
import { CliError } from '../failure.ts'

type Shell = keyof typeof scripts
const shells = Object.keys(scripts) as Shell[]

export function addCompletion(program: Command): void {
  defineLocal(program, {
    usage: 'completion <shell>',
    summary: `Print a completion script for ${shells.join(', ')}`,
    examples: ['completion bash >> ~/.bashrc', 'completion fish > ~/.config/fish/completions/signalbox.fish'],
    run({ args: [given] }) {
      const shell = shells.find((name) => name === given)
      if (!shell) throw new CliError('usage', `No completion for "${given}"`, `use ${shells.join(', ')}`)
      console.log(scripts[shell](listPlaces(program)))
    },
  })
}
