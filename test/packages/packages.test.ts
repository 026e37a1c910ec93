import { type ChildProcess, execFile, spawn as spawnProcess } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { backends } from '../support/backends.ts'
import { BareProcess } from '../support/bare-process.ts'
import { addKey } from '../support/cast.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, Rest, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = {
  client: join(root, 'dist/packages/client'),
  server: join(root, 'dist/packages/signalbox'),
} as const
const examples = ['agent.ts', 'watch.ts', 'worker.ts']
const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter)
const npm = { timeout: 120_000, env: { ...process.env, PATH, npm_config_update_notifier: 'false' } }
const binOf = (name: string, path: string) =>
  createRequire(import.meta.url)
    .resolve(`${name}/package.json`)
    .replace('package.json', path)

/** Of them some 70 kB are code, a fifth of it adapters, and 70 kB types with their comments. */
const MAX_CLIENT_BYTES = 155_000
const MAX_SERVER_BYTES = 90_000_000
/** How far from it the size of an install may be that the document says: others publish newer releases of what it brings along. */
const SIZE_TOLERANCE_MB = 5

/** The strictest that a user may have; the types of a library have to stand it. */
const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: 'es2024',
  noEmit: true,
}

/** A program for a page: without Node, its types and valibot. */
const page = `
import { type Agent, ApiError, createApi, type EventFrame, runAgent, watchProject } from '@signalbox/client'

export async function use(url: string, token: string): Promise<[Agent, NonNullable<EventFrame['agent']>['status']]> {
  const agent = await runAgent({ url, token, external_id: 'a', name: 'A', agent_type: 'b' })
  agent.report({ status: 'working', usage: { tokens_used: 1 } })
  const api = createApi({ url, token })
  const { data } = await api.agents.list('project', { status: 'idle' })
  // @ts-expect-error: no status is called so
  await api.agents.list('project', { status: 'asleep' }).catch((error: unknown) => error instanceof ApiError)
  for await (const item of watchProject({ url, token, project_id: 'project' })) {
    if (item.type === 'event' && item.agent && data[0]) return [data[0], item.agent.status]
  }
  throw new Error('it ended')
}
`

/** Pretends an old Node. */
const asNode = (version: string) =>
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`

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

function sizeOf(folder: string, counts = (_name: string) => true): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(counts)
  const files = names.map((name) => statSync(join(folder, name))).filter((stat) => stat.isFile())
  return files.reduce((sum, { size }) => sum + size, 0)
}

async function typecheck(folder: string, compilerOptions: object, files: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  await run(process.execPath, [binOf('typescript', 'bin/tsc'), '--project', folder], { cwd: folder })
}

let folder: string
let client: string
let server: string
const tarballs: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-packages-'))
  client = join(folder, 'client')
  server = join(folder, 'server')
  for (const place of [client, server]) {
    await mkdir(place)
    const somewhere = { name: 'somewhere-else', private: true, type: 'module' }
    await writeFile(join(place, 'package.json'), JSON.stringify(somewhere))
  }
  await run(process.execPath, ['build.ts'], { cwd: root })
  const pack = ['pack', '--json', '--pack-destination', folder, packages.client, packages.server]
  const { stdout } = await run('npm', pack, { cwd: folder, ...npm })
  const packed: { filename: string }[] = Object.values(JSON.parse(stdout))
  tarballs.push(...packed.map(({ filename }) => join(folder, filename)))
  const [clientFile = '', serverFile = ''] = tarballs
  // With install scripts, if there were any.
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund']
  const types = `@types/node@${manifest.devDependencies['@types/node']}`
  await run('npm', [...install, clientFile], { cwd: client, ...npm })
  await run('npm', [...install, serverFile, types], { cwd: server, ...npm })
}, 180_000)
afterAll(async () => {
  await BareProcess.killAll()
  await rm(folder, { recursive: true, force: true })
})

describe('both packages', () => {
  it.each(Object.entries(packages))('are as publint wants them: %s', async (_name, pkgDir) => {
    const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('have types that every way to resolve them finds', async () => {
    for (const tarball of tarballs) {
      await run(process.execPath, [
        binOf('@arethetypeswrong/cli', 'dist/index.js'),
        tarball,
        '--profile',
        'esm-only',
      ])
    }
  })

  it.each(Object.values(packages))('have a licence, a README, and say where they come from: %s', (place) => {
    const own = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
    expect(own).toMatchObject({ version: manifest.version, publishConfig: { provenance: true } })
    for (const field of ['repository', 'homepage', 'keywords', 'license']) expect(own).toHaveProperty(field)
    for (const name of ['LICENSE', 'README.md']) expect(existsSync(join(place, name))).toBe(true)
  })
})

describe('@signalbox/client, installed somewhere else', () => {
  const inside = () => join(client, 'node_modules/@signalbox/client')

  it('brings nothing else along, and is small', () => {
    expect(readdirSync(join(client, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      '@signalbox',
    ])
    expect(sizeOf(inside(), (name) => !name.endsWith('.map'))).toBeLessThan(MAX_CLIENT_BYTES)
  })

  it('ships types that a page compiles with', async () => {
    await writeFile(join(client, 'page.ts'), page)
    const options = { ...strict, module: 'esnext', moduleResolution: 'bundler', types: [] }
    await typecheck(client, { ...options, lib: ['es2024', 'dom', 'dom.asynciterable'] }, ['page.ts'])
  })

  it('says at once that it needs a newer Node where there is no WebSocket', async () => {
    const program = `import { watchProject } from '@signalbox/client'
      watchProject({ url: 'http://127.0.0.1:1', token: 'any', project_id: 'any' })`
    const args = ['--no-experimental-websocket', '--input-type=module', '--eval', program]
    await expect(run(process.execPath, args, { cwd: client, timeout: 10_000 })).rejects.toThrow(
      `Signalbox needs Node 22 or newer, or a browser; this is Node ${process.versions.node}`,
    )
  })
})

describe('signalbox, installed somewhere else', () => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    for (const file of examples) await copyFile(join(root, 'examples', file), join(server, file))
    stage = await Stage.start(backends.at(-1) as (typeof backends)[number])
    fleet = await createFleet(await Rest.at(stage.origins[0] as string).signIn())
  }, 60_000)
  afterAll(() => stage?.stop())

  it('brings no other Node, no install script and nothing unused along, and is not large', () => {
    const lock = JSON.parse(readFileSync(join(server, 'node_modules/.package-lock.json'), 'utf8'))
    const installed: [string, { hasInstallScript?: boolean }][] = Object.entries(lock.packages)
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
    expect(installed.filter(([name]) => /node_modules\/node(-|$)/.test(name))).toEqual([])
    expect(existsSync(join(server, 'node_modules/.bin/node'))).toBe(false)
    const inside = join(server, 'node_modules/signalbox')
    const code = globSync('dist/*.js', { cwd: inside }).map((name) =>
      readFileSync(join(inside, name), 'utf8'),
    )
    const { dependencies } = JSON.parse(readFileSync(join(inside, 'package.json'), 'utf8'))
    const isUsed = (name: string) => code.some((text) => new RegExp(`["']${name}(/[^"']+)?["']`).test(text))
    expect(Object.keys(dependencies).filter((name) => !isUsed(name))).toEqual([])
    const [, said] =
      /about (\d+) MB of files/.exec(readFileSync(join(root, 'docs/packages.md'), 'utf8')) ?? []
    const size = sizeOf(join(server, 'node_modules'))
    expect(size).toBeLessThan(MAX_SERVER_BYTES)
    expect(Math.abs(size / 1_000_000 - Number(said))).toBeLessThan(SIZE_TOLERANCE_MB)
  })

  it('ships types that the examples compile with', async () => {
    const options = { ...strict, module: 'nodenext', lib: ['es2024'], types: ['node'] }
    await typecheck(server, options, examples)
  })

  it('serves from an empty folder, says for people how to begin, and ends with npx', async () => {
    const command = ['npx', '--offline', 'signalbox', 'serve', '--port', '0', '--log-format', 'text'] as const
    const npx = BareProcess.run(command, { PATH, HOME: process.env.HOME ?? '' }, { cwd: server })
    try {
      const [, origin = ''] = await npx.printed(/Dashboard +(http:\S+)/)
      expect(npx.stdout).toMatch(/^\nThe first superuser is admin@localhost with the password \S+\n/)
      expect(npx.stdout).toContain(`Data       ${join(server, 'data')} `)
      expect(npx.stdout).toContain('npx signalbox keys create')
      expect(readdirSync(join(server, 'data'))).toContain('pglite')
      for (const path of [
        '/readyz',
        '/',
        '/api/v1/docs/swagger-ui-bundle.js',
        '/api/v1/docs/swagger-ui.css',
      ]) {
        expect((await fetch(origin + path)).status).toBe(200)
      }
    } finally {
      // Not SIGKILL: that would leave the server behind.
      await npx.end()
    }
    expect(npx.stdout).toMatch(/Stopping …\n$/)
    expect(npx.stderr).toBe('')
  })

  it('says in one line that its Node is too old', async () => {
    const cli = join(server, 'node_modules/signalbox/dist/cli.js')
    for (const program of [cli, join(root, 'check-node.js')]) {
      const old = BareProcess.run([process.execPath, '--import', asNode('22.17.1'), program, '--version'])
      expect(await old.exited).toMatchObject({ code: 1 })
      expect(old.stderr).toBe('Signalbox needs Node 22.18 or newer; this is 22.17.1.\n')
    }
  })

  it('ships prices that need a package of their own', async () => {
    const load = run(process.execPath, ['-e', "import('signalbox/client/prices')"], { cwd: server })
    await expect(load).rejects.toThrow("Cannot find package '@pydantic/genai-prices'")
  })

  it.each([
    ['agent.ts', { go: 'north' }, 'message {"go":"north"}'],
    ['worker.ts', { text: 'go north' }, 'prompt: go north'],
  ])(
    'runs the example %s, which registers and obeys, and a watch that sees it',
    async (file, payload, said) => {
      const { rest, project_id, agent_type_id } = fleet
      const { key } = await addKey(rest, { role: 'runtime', project_id })
      const { slug } = (await rest.get<{ slug: string }>(`/agent-types/${agent_type_id}`)).body
      const EXTERNAL_ID = unique('job')
      let path = ''
      const ask = async (method: string, action?: string, body?: object) => {
        const { status } = await fleet.rest.call(method, action ? `${path}/${action}` : path, body)
        expect(Math.floor(status / 100)).toBe(2)
      }
      const env = { SIGNALBOX_URL: stage.origins[0] as string }
      const watch = new Running(server, 'watch.ts', {
        ...env,
        SIGNALBOX_TOKEN: fleet.rest.token ?? '',
        PROJECT_ID: fleet.project_id,
      })
      await watch.says('reset')
      const loop = new Running(server, file, {
        ...env,
        ...{ SIGNALBOX_TOKEN: key, AGENT_TYPE: slug, EXTERNAL_ID },
      })
      const name = `Example ${EXTERNAL_ID}`
      await watch.says(`agent.status_changed ${name} working`)
      const { data } = (await rest.get<{ data: Agent[] }>(fleet.agents)).body
      path = `${fleet.agents}/${data.find(({ external_id }) => external_id === EXTERNAL_ID)?.id}`
      await ask('POST', 'signals', { kind: 'message', payload })
      await loop.says(said)
      await ask('POST', 'pause', { mode: 'interrupt' })
      await watch.says(`agent.signal_acknowledged ${name} paused`)
      await ask('POST', 'resume')
      await watch.says(`agent.signal_acknowledged ${name} idle`)
      await ask('DELETE')
      expect(await loop.ended).toBe(0)
      expect(loop.lines.at(-1)).toBe('over: terminated')
      const { body } = await fleet.rest.get<Agent>(path)
      expect(body).toMatchObject({ control: { kind: 'terminate', state: 'done' } })
      await watch.says(`agent.runtime_disconnected ${name} terminated`)
      expect(await watch.end()).toBe(0)
    },
  )

  it('says what is missing where npm has left optional packages out', async () => {
    for (const name of globSync('node_modules/@node-rs/argon2-*', { cwd: server })) {
      rmSync(join(server, name), { recursive: true })
    }
    const cli = join(server, 'node_modules/signalbox/dist/cli.js')
    const left = BareProcess.run([process.execPath, cli, 'serve'], { PORT: '0', DATA_DIR: 'memory://' })
    expect(await left.exited).toMatchObject({ code: 1 })
    expect(left.stderr).toMatch(/^Signalbox cannot start: @node-rs\/argon2[^\n]+--omit=optional\n$/)
  })
})

describe('the scripts of the repository', () => {
  it('run in every shell of npm, Windows included', () => {
    const special = Object.entries(manifest.scripts).filter(([, line]) =>
      /\b(exec|env)\b|[$'"`;|<>*]|=\d+ /.test(line.replaceAll(/--[\w-]+=\d+/g, '')),
    )
    expect(special).toEqual([])
  })

  it('find the Node that npm ci brings only where it runs: musl has none', () => {
    const lock: { packages: Record<string, { libc?: string[] }> } = JSON.parse(
      readFileSync(join(root, 'package-lock.json'), 'utf8'),
    )
    for (const name of Object.keys(manifest.optionalDependencies)) {
      expect(lock.packages[`node_modules/${name}`]?.libc, name).toEqual(['glibc'])
    }
  })
})
