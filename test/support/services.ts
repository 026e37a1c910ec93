import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'

export type Services = {
  databaseUrl: string | undefined
  redisUrl: string | undefined
  missing: string[]
  stop: () => Promise<void>
}

const NOBODY = 65_534
const LOCAL_DATABASE = 'postgresql://postgres@127.0.0.1:5432/postgres'
const LOCAL_REDIS = 'redis://127.0.0.1:6379'

/** Given by the environment, else answering on the standard ports, else installed and started privately. */
export async function findServices(env: NodeJS.ProcessEnv): Promise<Services> {
  const stops: (() => Promise<void>)[] = []
  const databaseUrl =
    env.TEST_DATABASE_URL ??
    ((await databaseAnswers(LOCAL_DATABASE)) ? LOCAL_DATABASE : await startPostgres(stops))
  const redisUrl =
    env.TEST_REDIS_URL ?? ((await redisAnswers(LOCAL_REDIS)) ? LOCAL_REDIS : await startRedis(stops))
  const missing = [...(databaseUrl ? [] : ['PostgreSQL']), ...(redisUrl ? [] : ['Redis'])]
  const stop = async () => {
    for (const end of stops) await end()
  }
  return { databaseUrl, redisUrl, missing, stop }
}

async function databaseAnswers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

async function redisAnswers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 1_000 })
  redis.on('error', () => {})
  try {
    await redis.connect()
    await redis.ping()
    return true
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

async function startPostgres(stops: (() => Promise<void>)[]): Promise<string | undefined> {
  const folder = findPostgresFolder()
  if (!folder) return undefined
  const data = mkdtempSync(join(tmpdir(), 'signalbox-postgres-'))
  const port = await freePort()
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if ('uid' in user) await chown(data, NOBODY, NOBODY)
  const options = { ...user, cwd: data, stdio: 'ignore' } as const
  execFileSync(join(folder, 'initdb'), ['-D', join(data, 'db'), '-U', 'postgres', '-A', 'trust'], options)
  const args = ['-D', join(data, 'db'), '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1']
  const server = spawn(join(folder, 'postgres'), [...args, '-c', 'fsync=off'], options)
  stops.push(() => end(server, data))
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  await untilAnswers(() => databaseAnswers(url))
  return url
}

async function startRedis(stops: (() => Promise<void>)[]): Promise<string | undefined> {
  const binary = findInPath('redis-server')
  if (!binary) return undefined
  const data = mkdtempSync(join(tmpdir(), 'signalbox-redis-'))
  const port = await freePort()
  const server = spawn(binary, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', data], {
    stdio: 'ignore',
  })
  stops.push(() => end(server, data))
  const url = `redis://127.0.0.1:${port}`
  await untilAnswers(() => redisAnswers(url))
  return url
}

function findPostgresFolder(): string | undefined {
  const found = findPostgresProgram('postgres')
  return found && join(found, '..')
}

/** In the path, or where Debian has it; of several versions the newest. */
export function findPostgresProgram(name: string): string | undefined {
  const inPath = findInPath(name)
  if (inPath) return inPath
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(debian, version, 'bin', name)).find((path) => existsSync(path))
}

export function findInPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Below those that systems give to outgoing connections: so none takes it before whoever it is for. */
const PORTS = { first: 10_000, count: 20_000 }
let tried = Math.floor(Math.random() * PORTS.count)

/** A port on which nothing listens; each call gives another. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + (tried++ % PORTS.count)
    if (await canListen(port)) return port
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Asks again until it answers; gives up after 20 s. */
export async function untilAnswers(answers: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await answers())) {
    if (Date.now() > deadline) throw new Error('a private server did not come up')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Whether something listens on a local port. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function end(server: ChildProcess, data: string): Promise<void> {
  const gone = new Promise((resolve) => server.once('exit', resolve))
  if (server.exitCode === null && server.kill('SIGINT')) await gone
  rmSync(data, { recursive: true, force: true })
}
