import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { BareProcess, databaseVariables, demoMain, serverMain } from '../support/bare-process.ts'
import { CliUser } from '../support/cli-process.ts'
import { createEmptyDatabase, named } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { Rest } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const { databaseUrl, redisUrl } = inject('services')
const SECRET_KEY = 'a secret key for tests, of a good length'
const one_line = /^Signalbox cannot start: [^\n]+\n$/

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-start-'))
})
afterEach(async () => {
  await BareProcess.killAll()
  rmSync(folder, { recursive: true, force: true })
})

/** Fails unless it ends with 1 and one line on stderr; resolves with that line. */
async function refusal(child: BareProcess): Promise<string> {
  expect(await child.exited).toEqual({ code: 1, signal: null })
  expect(child.stderr).toMatch(one_line)
  return child.stderr
}

describe('a signal while a server starts', () => {
  /** A database that takes connections and never answers. */
  let silent: Server
  let DATABASE_URL: string
  let isAsked: Promise<void>
  beforeEach(async () => {
    const asked = Promise.withResolvers<void>()
    isAsked = asked.promise
    silent = createServer((socket) => {
      socket.on('error', () => {})
      asked.resolve()
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    DATABASE_URL = `postgresql://postgres@127.0.0.1:${port}/signalbox`
  })
  afterEach(() => void silent.close())

  const secondsUntil = async (end: Promise<unknown>) => {
    const since = performance.now()
    await end
    return (performance.now() - since) / 1_000
  }

  it.each([
    ['SIGTERM', serverMain],
    ['SIGINT', serverMain],
    ['SIGTERM', demoMain],
  ] as const)('ends it within a second: %s, %s', async (signal, main) => {
    const env = { DATABASE_URL, SECRET_KEY, DATA_DIR: folder, PORT: `${await freePort()}` }
    const child = BareProcess.run([process.execPath, main], env)
    await isAsked
    expect(await secondsUntil(child.end(signal))).toBeLessThan(1)
  })

  it.skipIf(!inject('programs').unshare).each(['SIGTERM', 'SIGINT'] as const)(
    'ends it within a second where it is pid 1: %s',
    async (signal) => {
      const env = { DATABASE_URL, SECRET_KEY }
      const child = asPidOne(env)
      await isAsked
      process.kill(childOf(child.child.pid), signal)
      expect(await secondsUntil(child.exited)).toBeLessThan(1)
    },
  )

  it.skipIf(!inject('programs').unshare)(
    'ends it within a second where it is pid 1 and sets up its embedded database',
    async () => {
      const child = asPidOne({ DATA_DIR: folder })
      await eventually(async () => readdirSync(folder).includes('pglite'), 50_000)
      process.kill(childOf(child.child.pid), 'SIGTERM')
      expect(await secondsUntil(child.exited)).toBeLessThan(1)
    },
  )

  it.skipIf(!inject('programs').unshare)('drains a server that is pid 1 and has started', async () => {
    const child = asPidOne({ ...(await databaseVariables()), PORT: '0' })
    await child.origin()
    process.kill(childOf(child.child.pid), 'SIGTERM')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.stdout).toContain('"msg":"stopped"')
  })
})

function asPidOne(env: Record<string, string>): BareProcess {
  return BareProcess.run(['unshare', '--pid', '--fork', '--kill-child', process.execPath, serverMain], env)
}

/** What is pid 1 inside has another pid here: its parent is `unshare`. */
function childOf(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

describe('a server that cannot listen', () => {
  it('ends at once where the port is in use, and has printed the password that the next start keeps', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const own: Record<string, string> = databaseUrl
      ? { DATABASE_URL: await createEmptyDatabase(databaseUrl, inject('run')), SECRET_KEY }
      : { DATA_DIR: folder }
    const failed = BareProcess.server({ ...own, PORT: `${port}` })
    const [, password = ''] = await failed.printed(/with the password (\S+)/)
    const since = performance.now()
    expect(await refusal(failed)).toMatch(/address already in use 127\.0\.0\.1:\d+: .*set PORT/)
    expect(performance.now() - since).toBeLessThan(10_000)
    other.close()

    const next = BareProcess.server(own)
    const credentials = { email: 'admin@localhost', password }
    expect((await Rest.at(await next.origin()).post('/auth/login', credentials)).status).toBe(200)
    expect(next.stdout).not.toContain('password')
  })

  it('says so in one line where HOST is no address of the machine', async () => {
    const child = BareProcess.server({ ...(await databaseVariables()), HOST: '203.0.113.1' })
    expect(await refusal(child)).toContain('set HOST to an address of this machine')
  })
})

describe('a server in a folder that it may not write to', () => {
  it.each([serverMain, demoMain])('names DATA_DIR in one line: %s', async (main) => {
    chmodSync(folder, 0o555)
    // Root may write everywhere.
    const uid = process.getuid?.() === 0 ? { uid: 65_534 } : {}
    const child = BareProcess.run([process.execPath, main], {}, { cwd: folder, ...uid })
    expect(await child.exited).toMatchObject({ code: 1 })
    expect(child.stderr).toMatch(/^[^\n]+cannot write to the folder \/[^\n]+: set DATA_DIR to [^\n]+\n$/)
  })
})

describe('a server with a wrong variable', () => {
  it('names it in one line', async () => {
    const child = BareProcess.server({ DATA_DIR: 'memory://', PORT: 'http', LOG_LEVEL: 'loud' })
    expect(await refusal(child)).toMatch(/PORT must be [^;]*; LOG_LEVEL must be/)
    expect(child.stdout).toBe('')
  })

  it('does not start with Redis and without a secret', async () => {
    const child = BareProcess.server({ DATA_DIR: 'memory://', REDIS_URL: 'redis://127.0.0.1:1' })
    expect(await refusal(child)).toContain('SECRET_KEY is required with REDIS_URL')
  })

  it('says in one line that its database does not answer', async () => {
    const DATABASE_URL = `postgresql://postgres@localhost:${await freePort()}/signalbox`
    expect(await refusal(BareProcess.server({ DATABASE_URL, SECRET_KEY }))).toMatch(
      /connect ECONNREFUSED 127\.0\.0\.1:\d+: is it running/,
    )
  })

  it.skipIf(!databaseUrl)('makes no database of a mistyped name', async () => {
    const url = databaseUrl ?? ''
    const DATABASE_URL = named(url, `signalbox_test_${inject('run')}_mistyped`)
    const user = new CliUser({ DATABASE_URL, SECRET_KEY })
    const said = await refusal(BareProcess.server({ DATABASE_URL, SECRET_KEY }))
    expect(said).toMatch(/database "[^"]+_mistyped" does not exist: create it, or correct DATABASE_URL/)
    for (const command of [['migrate'], ['epoch', 'bump'], ['users', 'reset-superuser']]) {
      expect(await user.run(command)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^signalbox: database "[^"]+" does not exist: [^\n]+$/),
      })
    }
    user.remove()
    await expect(new pg.Client({ connectionString: DATABASE_URL }).connect()).rejects.toThrow(
      'does not exist',
    )
  })
})

describe.skipIf(!databaseUrl)('a superuser whose password is lost', () => {
  it('is not helped by ADMIN_PASSWORD, which says so, but by reset-superuser', async () => {
    const DATABASE_URL = await createEmptyDatabase(databaseUrl ?? '', inject('run'))
    const own = { DATABASE_URL, SECRET_KEY, ADMIN_EMAIL: 'ada@example.org' }
    const first = BareProcess.server({ ...own, ADMIN_PASSWORD: 'the first password' })
    await first.origin()
    await first.end()
    expect(first.stdout).not.toContain('ADMIN_PASSWORD')

    const again = BareProcess.server({ ...own, ADMIN_PASSWORD: 'another password' })
    const origin = await again.origin()
    expect(again.stdout).toContain('ADMIN_PASSWORD is ignored')

    const operator = new CliUser(own)
    const { code, stdout } = await operator.run(['users', 'reset-superuser'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('ada@example.org') })
    const [, password = ''] = /has the password (\S+)/.exec(stdout) ?? []
    const signIn = async (word: string) =>
      (await Rest.at(origin).post('/auth/login', { email: own.ADMIN_EMAIL, password: word })).status
    expect(await signIn('the first password')).toBe(401)
    expect(await signIn(password)).toBe(200)

    expect(await operator.run(['users', 'reset-superuser', 'eve@example.org'])).toMatchObject({
      code: 1,
      stderr: 'signalbox: User eve@example.org not found',
    })
    operator.remove()
  })
})

describe.skipIf(!redisUrl)('a Redis that is away', () => {
  it('is logged once, with the reason, and once when it is back', async () => {
    const proxy = await TcpProxy.to(redisUrl ?? '')
    proxy.cut()
    const REDIS_URL = proxy.through(redisUrl ?? '')
    const child = BareProcess.server({ ...(await databaseVariables()), SECRET_KEY, REDIS_URL })
    const origin = await child.origin()
    const readiness = async () => (await fetch(`${origin}/readyz`)).json()
    const lines = () => child.stdout.split('\n').filter((line) => line.includes('Redis cannot be used'))
    // Far more attempts to connect than lines: three connections, each once a second.
    await child.printed(/Redis cannot be used/)
    await eventually(async () => proxy.refused > 15, 50_000)
    expect(lines()).toHaveLength(1)
    expect(lines()[0]).toMatch(/"reason":"[^"]+"/)
    proxy.heal()
    await child.printed(/Redis cannot be used: it is over/)
    expect(await readiness()).toMatchObject({ redis: 'ok' })
    expect(lines()).toHaveLength(2)
    await child.end()
    await proxy.close()
  })
})
