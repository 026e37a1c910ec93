import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { type Agent, type Api, createApi } from '#src/client/rest/rest.ts'
import { admin } from './admin.ts'
import { databaseVariables } from './bare-process.ts'
import { CliUser } from './cli-process.ts'
import { answerOf, eventually } from './eventually.ts'
import { unique } from './rest.ts'
import { ServerProcess } from './server-process.ts'

type Printed = {
  child: ChildProcessWithoutNullStreams
  stdout: string
  stderr: string
  code: Promise<number | null>
}

/** A server that may be killed, a project with a runtime key, and commands that `signalbox run` runs there. */
export class RunStage {
  server: ServerProcess
  readonly api: Api
  readonly folder = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  readonly project_id: string
  readonly type: string
  readonly key: string
  readonly #env: Record<string, string>
  readonly #cli: CliUser
  readonly #started: Printed[] = []
  /** The leaders of all groups that were seen. */
  readonly #groups = new Set<number>()

  private constructor(
    made: Pick<RunStage, 'server' | 'api' | 'project_id' | 'type' | 'key'>,
    env: Record<string, string>,
  ) {
    this.server = made.server
    this.api = made.api
    this.project_id = made.project_id
    this.type = made.type
    this.key = made.key
    this.#env = env
    this.#cli = new CliUser({ SIGNALBOX_URL: made.server.origin, SIGNALBOX_TOKEN: made.key })
  }

  static async start(): Promise<RunStage> {
    const data = mkdtempSync(join(tmpdir(), 'signalbox-data-'))
    const env = inject('services').databaseUrl ? await databaseVariables() : { DATA_DIR: data }
    const server = await ServerProcess.start(env)
    const url = server.origin
    const { access_token: token } = await createApi({ url }).auth.login(admin)
    const api = createApi({ url, token })
    const { id: project_id } = await api.projects.create({ slug: unique('line'), name: 'North Line' })
    const { slug: type } = await api.agentTypes.create({ slug: unique('coder'), name: 'Coder' })
    const { key } = await api.keys.create({
      name: unique('key'),
      role: 'runtime',
      project_id,
      expires_at: null,
    })
    const port = new URL(url).port
    return new RunStage({ server, api, project_id, type, key }, { ...env, PORT: port })
  }

  /** The same server again, on the same port. */
  async restart(): Promise<void> {
    this.server = await ServerProcess.start(this.#env)
  }

  /** Starts `signalbox run`. The standard input stays open. */
  run(
    name: string,
    options: readonly string[],
    command: readonly string[],
    { env, wrapper }: { env?: Record<string, string>; wrapper?: readonly string[] } = {},
  ): Printed {
    const args = [
      'run',
      '--name',
      name,
      '--external-id',
      name,
      '--type',
      this.type,
      ...options,
      '--',
      ...command,
    ]
    const child = this.#cli.open(args, env, wrapper)
    const printed: Printed = {
      child,
      stdout: '',
      stderr: '',
      code: new Promise((resolve) => child.once('close', resolve)),
    }
    child.stdout.on('data', (data: Buffer) => {
      printed.stdout += data
    })
    child.stderr.on('data', (data: Buffer) => {
      printed.stderr += data
    })
    this.#started.push(printed)
    return printed
  }

  /** The newest agent with a name, once it is as wanted. */
  agent(name: string, isSo: (agent: Agent) => boolean): Promise<Agent> {
    return answerOf(async () => {
      const { data } = await this.api.agents.list(this.project_id, { q: name })
      const found = data.find((agent) => agent.name === name)
      return found && isSo(found) ? found : undefined
    }, 20_000)
  }

  /** Orders, and resolves when the runtime says that it is done. */
  async order(action: 'pause' | 'resume', { id }: Agent): Promise<void> {
    await this.api.agents[action](this.project_id, id)
    await this.obeyed(id, action)
  }

  async obeyed(agent_id: string, kind: string): Promise<void> {
    await answerOf(async () => {
      const { control } = await this.api.agents.get(this.project_id, agent_id)
      return control?.kind === kind && control.state === 'done'
    }, 20_000)
  }

  /** The pids of the processes below `signalbox run`, by their parents; the command itself is the first. */
  async below({ child }: Printed, count: number): Promise<number[]> {
    const pids = await answerOf(() => {
      const found = descendants(child.pid ?? 0)
      return found.length >= count ? found : undefined
    })
    this.#groups.add(pids[0] ?? 0)
    return pids
  }

  /** Ends what tests have left. */
  async clear(): Promise<void> {
    const started = this.#started.splice(0)
    for (const { child } of started) {
      for (const pid of descendants(child.pid ?? 0)) this.#groups.add(pid)
      child.kill('SIGKILL')
    }
    for (const pid of this.#groups) for (const target of [-pid, pid]) kill(target)
    await Promise.all(started.map(({ code }) => code))
    await eventually(() => [...this.#groups].every((pid) => !isAlive(pid)))
    this.#groups.clear()
  }

  async stop(): Promise<void> {
    await this.clear()
    this.#cli.remove()
    await this.server.end('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
    if (this.#env.DATA_DIR) rmSync(this.#env.DATA_DIR, { recursive: true, force: true })
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

type Stat = { pid: number; state: string; parent: number; cpu: number }

/** Undefined for a process that has ended. */
export function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      cpu: Number(fields[11]) + Number(fields[12]),
    }
  } catch {
    return undefined
  }
}

export function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(statOf(pid)?.state)
}

function descendants(pid: number): number[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []))
  const below = (parent: number): number[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one.pid, ...below(one.pid)])
  return below(pid).filter(isAlive)
}
