import { type ChildProcess, execFile, spawn as spawnProcess } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { addToken } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { eventually, Stage } from '../support/stage.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const examples = ['agent.ts', 'watch.ts']
const npm = { timeout: 120_000, env: { ...process.env, npm_config_update_notifier: 'false' } }

const manifest = { name: 'somewhere-else', private: true, type: 'module' }
/** The strictest that a user may have; the types of a library have to stand it. */
const tsconfig = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024'],
    types: ['node'],
    noEmit: true,
  },
  files: examples,
}

/** An example as it runs, with the lines that it has said. */
class Running {
  readonly lines: string[] = []
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(folder: string, file: string, env: Record<string, string>) {
    this.#child = spawnProcess(process.execPath, [file], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.lines.push(line),
    )
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve))
  }

  says(text: string): Promise<void> {
    return eventually(async () => this.lines.some((line) => line.includes(text)))
  }

  end(): Promise<number | null> {
    this.#child.kill('SIGINT')
    return this.ended
  }
}

describe('the package, installed somewhere else', () => {
  let folder: string
  let stage: Stage
  let fleet: Fleet

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-package-'))
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
    for (const file of examples) await copyFile(join(root, 'examples', file), join(folder, file))
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, ...npm })
    const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[')))
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const install = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
    const types = `@types/node@${devDependencies['@types/node']}`
    await run('npm', [...install, `./${filename}`, types], { cwd: folder, ...npm })
    stage = await Stage.start(backends.at(-1) as (typeof backends)[number])
    fleet = await createFleet(await Rest.at(stage.origins[0] as string).signIn())
  }, 180_000)
  afterAll(async () => {
    await stage?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('has types that the examples keep to', async () => {
    const tsc = createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc')
    await run(process.execPath, [tsc, '--project', folder], { cwd: folder })
  })

  it('has the command, with all that a server needs', async () => {
    const command = join(folder, 'node_modules', '.bin', 'signalbox')
    const signalbox = (...args: string[]) =>
      run(process.execPath, [command, ...args], { cwd: folder, env: { DATA_DIR: 'memory://' } })
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect((await signalbox('--version')).stdout.trim()).toBe(version)
    expect((await signalbox('migrate')).stdout).toContain('migrations are done')
  })

  it('runs both examples: an agent that obeys, and a watch that sees it', async () => {
    const agent = await spawn(fleet)
    const path = `${fleet.agents}/${agent.id}`
    const ask = async (method: string, action?: string, body?: object) => {
      const { status } = await fleet.rest.call(method, action ? `${path}/${action}` : path, body)
      expect(Math.floor(status / 100)).toBe(2)
    }
    const env = { SIGNALBOX_URL: stage.origins[0] as string }
    const watch = new Running(folder, 'watch.ts', {
      ...env,
      SIGNALBOX_TOKEN: fleet.rest.token ?? '',
      PROJECT_ID: fleet.project_id,
    })
    await watch.says('reset')
    const loop = new Running(folder, 'agent.ts', {
      ...env,
      SIGNALBOX_TOKEN: await addToken(fleet.rest, agent),
      AGENT_ID: agent.id,
    })
    await watch.says('agent.status_changed Ada working')
    await ask('POST', 'signals', { kind: 'message', payload: { go: 'north' } })
    await loop.says('message {"go":"north"}')
    await ask('POST', 'pause')
    await watch.says('agent.signal_acknowledged Ada paused')
    await ask('POST', 'resume')
    await watch.says('agent.signal_acknowledged Ada idle')
    await ask('DELETE')
    expect(await loop.ended).toBe(0)
    expect(loop.lines.at(-1)).toBe('over: terminated')
    const { body } = await fleet.rest.get<Agent>(path)
    expect(body).toMatchObject({ control: { kind: 'terminate', state: 'done' } })
    await watch.says('agent.runtime_disconnected Ada terminated')
    expect(await watch.end()).toBe(0)
  })
})
