import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Cli, openCli } from './cli.ts'
import { toLine } from './text.ts'

/** An option of the command line, with the type of its value. */
export type Opt<Value> = { option: Option; negation?: Option; type?: Value }

export function flag(flags: string, description: string): Opt<boolean> {
  return { option: new Option(flags, description) }
}

/** Given as `--name` or `--no-name`; undefined without either. */
export function toggle(name: string, given: string, negated: string): Opt<boolean | undefined> {
  return { option: new Option(`--${name}`, given), negation: new Option(`--no-${name}`, negated) }
}

export function text(flags: string, description: string): Opt<string | undefined> {
  return { option: new Option(flags, description) }
}

export function choice<const Name extends string>(
  flags: string,
  description: string,
  names: readonly Name[],
): Opt<Name | undefined> {
  return { option: new Option(flags, description).choices(names) }
}

/** May be repeated; `add` reads one value, and says what is wrong with it. */
export function repeated<Value>(
  flags: string,
  description: string,
  add: (value: string, before: Value | undefined) => Value,
): Opt<Value | undefined> {
  return { option: new Option(flags, description).argParser(add) }
}

export function number(flags: string, description: string): Opt<number | undefined> {
  const parse = (value: string): number => {
    if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.')
    return Number(value)
  }
  return { option: new Option(flags, description).argParser(parse) }
}

/** The option of every command that asks before it deletes something. */
export const confirmed = { yes: flag('-y, --yes', 'do not ask for confirmation') }

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** A time in seconds. */
export function duration(flags: string, description: string): Opt<number | undefined> {
  const parse = (value: string): number => {
    const [, digits, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(value) ?? []
    if (!digits) throw new InvalidArgumentError('It must be a number with s, m, h or d, such as 10m.')
    return Number(digits) * unitSeconds[unit as keyof typeof unitSeconds]
  }
  return { option: new Option(flags, description).argParser(parse) }
}

/** The same option, with an environment variable as its default. */
export function fromVariable<Value>(opt: Opt<Value>, name: string): Opt<Value> {
  opt.option.env(name)
  return opt
}

export function required<Value>(opt: Opt<Value | undefined>): Opt<Value> {
  opt.option.makeOptionMandatory()
  return opt as Opt<Value>
}

type Options = Record<string, Opt<unknown>>
export type ValuesOf<Defined extends Options> = {
  [Name in keyof Defined]: Defined[Name] extends Opt<infer Value> ? Value : never
}

type Arg<Word extends string> = Word extends `<${string}...>` | `[${string}...]`
  ? [string[]]
  : Word extends `<${string}>`
    ? [string]
    : Word extends `[${string}]`
      ? [string | undefined]
      : []
/** The arguments of a usage such as `pause [agents...]`. */
type Args<Usage extends string> = Usage extends `${infer Word} ${infer Rest}`
  ? [...Arg<Word>, ...Args<Rest>]
  : Arg<Usage>

type Input<Usage extends string, Own extends Options> = { args: Args<Usage>; options: ValuesOf<Own> }

type Described<Usage extends string, Own extends Options> = {
  /** The name and the arguments, such as `pause [agents...]`. */
  usage: Usage
  summary: string
  /** Shown by `--help`; without `signalbox` in front. */
  examples: readonly [string, ...string[]]
  options?: Own
}

export type LocalCommand<Usage extends string, Own extends Options> = Described<Usage, Own> & {
  run: (input: Input<Usage, Own>) => Promise<void> | void
}

export type ServerCommand<Usage extends string, Own extends Options> = Described<Usage, Own> & {
  run: (cli: Cli, input: Input<Usage, Own>) => Promise<void> | void
}

export function defineGroup(parent: Command, name: string, summary: string): Command {
  return addCommand(parent, name, summary).helpCommand(false)
}

function addCommand(parent: Command, usage: string, summary: string): Command {
  const command = parent.command(usage).summary(summary).description(summary)
  return printErrorsAsLines(
    command,
    `${parent.name() === 'signalbox' ? '' : `${parent.name()} `}${command.name()}`,
  )
}

/** Prints a usage error as one line that names the help. */
export function printErrorsAsLines(command: Command, path: string): Command {
  return command.configureOutput({
    outputError(message, write) {
      const problem = toLine(message.replace(/^error: /, '').trim())
      write(`signalbox: ${problem}: see "signalbox ${path ? `${path} ` : ''}--help"\n`)
    },
  })
}

/** A command that does not call a server. */
export function defineLocal<const Usage extends string, Own extends Options = Record<never, never>>(
  parent: Command,
  { usage, summary, examples, options, run }: LocalCommand<Usage, Own>,
): void {
  const command = addCommand(parent, usage, summary)
  for (const { option, negation } of Object.values(options ?? {})) {
    command.addOption(option)
    if (negation) command.addOption(negation)
  }
  const lines = examples.map((example) => `  signalbox ${example}`)
  command.addHelpText('after', `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.join('\n')}`)
  command.action(async () => {
    const values = Object.entries(options ?? {}).map(([name, opt]) => [name, readOption(command, opt)])
    // The parsers above have checked each option and argument.
    await run({ args: command.processedArgs, options: Object.fromEntries(values) } as Input<Usage, Own>)
  })
}

/** An empty variable counts as unset: scripts and Compose files clear variables that way. */
function readOption(command: Command, { option, negation }: Opt<unknown>): unknown {
  const name = option.attributeName()
  const given: unknown = command.getOptionValue(name)
  const isUnset = given === '' && command.getOptionValueSource(name) === 'env'
  return (isUnset ? undefined : given) ?? (option.isBoolean() && !negation ? false : undefined)
}

export const serverOptions = {
  url: fromVariable(text('--url <url>', 'the server'), 'SIGNALBOX_URL'),
  json: flag('--json', 'print JSON'),
}

/** A command that calls a server. */
export function define<const Usage extends string, Own extends Options = Record<never, never>>(
  parent: Command,
  { run, options, ...described }: ServerCommand<Usage, Own>,
): void {
  defineLocal(parent, {
    ...described,
    options: { ...options, ...serverOptions } as Own & typeof serverOptions,
    run: ({ args, options }) => {
      const { url, json, ...rest }: ValuesOf<typeof serverOptions> = options
      return run(openCli({ url, json }, process.env), { args, options: rest as ValuesOf<Own> })
    },
  })
}
