import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { BareProcess, databaseVariables, demoMain, serverMain } from '../support/bare-process.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/services.ts'

let env: Record<string, string> = {}
beforeAll(async () => {
  env = { ...(await databaseVariables()), RATE_LIMIT_MULTIPLIER: '1000' }
})
const server = [process.execPath, serverMain].join(' ')

const answers = async (origin: string, path = '/healthz') => {
  const response = await fetch(`${origin}${path}`, { signal: AbortSignal.timeout(5_000) })
  return [response.status, await response.text()] as const
}

async function dropped(origin: string): Promise<number> {
  const [, text] = await answers(origin, '/metrics')
  return Number(/^signalbox_log_lines_dropped_total (\d+)$/m.exec(text)?.[1])
}

/** Each answered request of the API is a line of the log. */
async function makeLines(origin: string, count: number): Promise<void> {
  const answered = Array.from({ length: count }, () => answers(origin, '/'))
  for (const [status] of await Promise.all(answered)) expect(status).toBe(200)
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-log-'))
})
afterEach(async () => {
  await BareProcess.killAll()
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!inject('programs').unshare)('a server whose log is on its own small file system', () => {
  it('serves while that is full, counts the lines that it drops, and logs again when there is room', async () => {
    const mount = `mount -t tmpfs -o size=256k none ${folder}`
    const script = `${mount} && exec ${server} > ${folder}/log`
    const child = BareProcess.run(['unshare', '--mount', 'sh', '-c', script], env)
    // The mount is in the namespace of the process alone.
    const inside = join('/proc', String(child.child.pid), 'root', folder)
    const read = () => (existsSync(join(inside, 'log')) ? readFileSync(join(inside, 'log'), 'utf8') : '')
    let origin = ''
    await eventually(async () => {
      origin = /"url":"([^"]+)"/.exec(read())?.[1] ?? ''
      return origin !== ''
    }, 50_000)
    const filler = join(inside, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(1_000_000))).toThrow('ENOSPC')

    await makeLines(origin, 50)
    expect((await answers(origin))[0]).toBe(200)
    await eventually(async () => (await dropped(origin)) > 0)

    rmSync(filler)
    const logged = read().split('\n').length
    await makeLines(origin, 3)
    await eventually(async () => read().split('\n').length > logged + 3)
    const last = read().trimEnd().split('\n').slice(-4)
    expect(last.map((line) => JSON.parse(line))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ msg: 'request', status: 200 }),
        expect.objectContaining({ msg: 'log lines were dropped', reason: 'ENOSPC' }),
      ]),
    )
    expect(await child.end()).toEqual({ code: 0, signal: null })
  })
})

it('a server whose log can never be written serves, and stops in order', async () => {
  const port = await freePort()
  const child = BareProcess.run(['sh', '-c', `exec ${server} > /dev/full`], { ...env, PORT: `${port}` })
  const origin = `http://127.0.0.1:${port}`
  await eventually(
    () =>
      answers(origin).then(
        ([status]) => status === 200,
        () => false,
      ),
    50_000,
  )
  await makeLines(origin, 20)
  expect(await dropped(origin)).toBeGreaterThan(0)
  expect(await child.end()).toEqual({ code: 0, signal: null })
  expect(child.stderr).toBe('')
})

it('a server whose log has lost its reader serves, and stops in order', async () => {
  const child = BareProcess.server(env)
  const origin = await child.origin()
  child.child.stdout?.destroy()
  await makeLines(origin, 20)
  await eventually(async () => (await dropped(origin)) > 0)
  expect(await child.end()).toEqual({ code: 0, signal: null })
  expect(child.stderr).toBe('')
})

it('a server whose log has a stalled reader serves, and stops in order', async () => {
  const child = BareProcess.server(env)
  const origin = await child.origin()
  child.child.stdout?.pause()
  for (let left = 40; left > 0; left--) await makeLines(origin, 50)
  child.child.kill('SIGTERM')
  const gone = new Promise((resolve) => child.child.once('exit', resolve))
  expect(await gone).toBe(0)
})

it('a demo whose reader closes the pipe ends silently', async () => {
  const own = { ...(await databaseVariables()), DATA_DIR: folder, PORT: `${await freePort()}` }
  const child = BareProcess.run([process.execPath, demoMain], own)
  await child.printed(/Signalbox demo: /)
  child.child.stdout?.destroy()
  expect(await child.exited).toEqual({ code: 0, signal: null })
  expect(child.stderr).toBe('')
})
