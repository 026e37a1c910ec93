import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Cli, openCli } from './cli.ts'

/** An option of the command line, and the type that its value has. */
export type Opt<Value> = { option: Option; type?: Value }

export function flag(flags: string, description: string): Opt<boolean> {
  return { option: new Option(flags, description) }
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

export function number(flags: string, description: string): Opt<number | undefined> {
  const parse = (value: string): number => {
    if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.')
    return Number(value)
  }
  return { option: new Option(flags, description).argParser(parse) }
}

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** In seconds. */
export function duration(flags: string, description: string): Opt<number | undefined> {
  const parse = (value: string): number => {
    const [, digits, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(value) ?? []
    if (!digits) throw new InvalidArgumentError('It must be a number with s, m, h or d, as in 10m.')
    return Number(digits) * unitSeconds[unit as keyof typeof unitSeconds]
  }
  return { option: new Option(flags, description).argParser(parse) }
}

/** The same, set by an environment variable where the command line is silent. */
export function fromVariable<Value>(opt: Opt<Value>, name: string): Opt<Value> {
  opt.option.env(name)
  return opt
}

export function required<Value>(opt: Opt<Value | undefined>): Opt<Value> {
  opt.option.makeOptionMandatory()
  return opt as Opt<Value>
}

type Options = Record<string, Opt<unknown>>
export type ValuesOf<Own extends Options> = {
  [Name in keyof Own]: Own[Name] extends Opt<infer Value> ? Value : never
}

type Arg<Word extends string> = Word extends `<${string}...>` | `[${string}...]`
  ? [string[]]
  : Word extends `<${string}>`
    ? [string]
    : Word extends `[${string}]`
      ? [string | undefined]
      : []
/** The arguments that a usage such as `pause [agents...]` has. */
type Args<Usage extends string> = Usage extends `${infer Word} ${infer Rest}`
  ? [...Arg<Word>, ...Args<Rest>]
  : Arg<Usage>

type Input<Usage extends string, Own extends Options> = { args: Args<Usage>; options: ValuesOf<Own> }

type Described<Usage extends string, Own extends Options> = {
  /** Its name and its arguments, such as `pause [agents...]`. */
  usage: Usage
  summary: string
  /** What is shown under `--help`; without `signalbox` in front. */
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
  return speakInLines(command, `${parent.name() === 'signalbox' ? '' : `${parent.name()} `}${command.name()}`)
}

/** What is wrong with a command line is one line, and says where its help is. */
export function speakInLines(command: Command, path: string): Command {
  return command.configureOutput({
    outputError(message, write) {
      const said = message
        .replace(/^error: /, '')
        .trim()
        .replaceAll(/\s*\n\s*/g, ' ')
      write(`signalbox: ${said}: see "signalbox ${path ? `${path} ` : ''}--help"\n`)
    },
  })
}

/** A command that works on this machine alone. */
export function defineLocal<const Usage extends string, Own extends Options = Record<never, never>>(
  parent: Command,
  { usage, summary, examples, options, run }: LocalCommand<Usage, Own>,
): void {
  const command = addCommand(parent, usage, summary)
  for (const { option } of Object.values(options ?? {})) command.addOption(option)
  const lines = examples.map((example) => `  signalbox ${example}`)
  command.addHelpText('after', `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.join('\n')}`)
  command.action(async () => {
    const given = command.opts<Record<string, unknown>>()
    const values = Object.entries(options ?? {}).map(([name, { option }]) => [
      name,
      given[option.attributeName()] ?? (option.isBoolean() ? false : undefined),
    ])
    // What each option and argument is was decided by the parsers above.
    await run({ args: command.processedArgs, options: Object.fromEntries(values) } as Input<Usage, Own>)
  })
}

const everywhere = {
  url: fromVariable(text('--url <url>', 'where the server is'), 'SIGNALBOX_URL'),
  json: flag('--json', 'print JSON, for programs'),
}

/** A command that speaks to a server. */
export function define<const Usage extends string, Own extends Options = Record<never, never>>(
  parent: Command,
  { run, options, ...described }: ServerCommand<Usage, Own>,
): void {
  defineLocal(parent, {
    ...described,
    options: { ...options, ...everywhere } as Own & typeof everywhere,
    run: ({ args, options }) => {
      const { url, json, ...own }: ValuesOf<typeof everywhere> = options
      return run(openCli({ url, json }, process.env), { args, options: own as ValuesOf<Own> })
    },
  })
}
