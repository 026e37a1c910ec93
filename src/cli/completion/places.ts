import type { Command, Option } from 'commander'

type Word = { word: string; description: string }

/** The words that may follow at one place of a command line: `/agents` is after `signalbox agents`. */
export type Place = {
  place: string
  words: Word[]
  /** Options with a fixed set of values. */
  choices: { flag: string; values: readonly string[] }[]
}

/** Every place of the command tree, the root first. */
export function listPlaces(command: Command, place = ''): Place[] {
  const { commands, options } = command
  const subcommands = commands.map((child) => ({ word: child.name(), description: child.summary() }))
  const flags = options.flatMap((option) =>
    flagsOf(option).map((word) => ({ word, description: option.description })),
  )
  const words = [...subcommands, ...flags, { word: '--help', description: 'show the help' }]
  const choices = options.flatMap((option) =>
    flagsOf(option).flatMap((flag) => (option.argChoices ? [{ flag, values: option.argChoices }] : [])),
  )
  const below = commands.flatMap((child) => listPlaces(child, `${place}/${child.name()}`))
  return [{ place, words, choices }, ...below]
}

function flagsOf({ long }: Option): string[] {
  return long ? [long] : []
}
