import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createProgram } from '#src/cli/program.ts'
import { admin } from './admin.ts'
import { compileCache } from './compile-cache.ts'

export const cliMain = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export type Ended = { code: number | null; stdout: string; stderr: string }
type Extra = { input?: string; env?: Record<string, string> }

/** The command line of one user: a process for each command, and a folder for what it keeps. */
export class CliUser {
  readonly config_home = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
  readonly env: Record<string, string>
  /** Each command that was run, by anybody. */
  static readonly commands: string[] = []

  constructor(env: Record<string, string>) {
    const { PATH = '' } = process.env
    this.env = { PATH, ...compileCache, XDG_CONFIG_HOME: this.config_home, ...env }
  }

  /** Signed in, in a folder of its own. */
  static async signedIn(env: Record<string, string>, credentials = admin): Promise<CliUser> {
    const user = new CliUser(env)
    const args = ['login', '--email', credentials.email, '--password-stdin']
    const { code, stderr } = await user.run(args, { input: `${credentials.password}\n` })
    if (code !== 0) throw new Error(stderr)
    return user
  }

  start(args: readonly string[], { input, env }: Extra = {}): ChildProcessWithoutNullStreams {
    const child = this.open(args, env)
    child.stdin.end(input)
    return child
  }

  /** Starts it with an open standard input. */
  open(
    args: readonly string[],
    env: Record<string, string> = {},
    wrapper: readonly string[] = [],
  ): ChildProcessWithoutNullStreams {
    CliUser.commands.push(args.join(' '))
    const [program = process.execPath, ...rest] = [...wrapper, process.execPath, cliMain, ...args]
    const child = spawn(program, rest, { env: { ...this.env, ...env } })
    child.stdin.on('error', () => {})
    return child
  }

  async run(args: readonly string[], extra?: Extra): Promise<Ended> {
    const child = this.start(args, extra)
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
    return { code, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() }
  }

  /** What it prints with `--json`; fails where the command does. */
  async json<Result>(...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`)
    return JSON.parse(stdout)
  }

  remove(): void {
    rmSync(this.config_home, { recursive: true, force: true })
  }
}

/** Reads on in what a process prints: resolves with the next line that has `wanted`, fails where it ends without. */
export function reader(child: ChildProcessWithoutNullStreams): (wanted: string) => Promise<string> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (wanted) => {
    for (;;) {
      const { done, value } = await lines.next()
      if (done) throw new Error(`it ended before it printed "${wanted}"`)
      if (value.includes(wanted)) return value
    }
  }
}

/** The commands that no test of this file has run, of those that `isMeant`. */
export function listUnused(isMeant: (path: string) => boolean): string[] {
  const paths = createProgram().commands.flatMap((group) =>
    group.commands.length === 0
      ? [group.name()]
      : group.commands.map((command) => `${group.name()} ${command.name()}`),
  )
  const isUsed = (path: string) => CliUser.commands.some((command) => command.startsWith(path))
  return paths.filter((path) => isMeant(path) && !isUsed(path))
}
