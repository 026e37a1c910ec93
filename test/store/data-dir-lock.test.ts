import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { lockDataDir } from '#src/store/data-dir.ts'

const holder = fileURLToPath(new URL('../support/lock-holder.ts', import.meta.url))
/** As a container: its process has the number 1. */
const namespace = ['--pid', '--fork', '--kill-child']
const { unshare } = inject('programs')
const canUnshare = unshare !== undefined && spawnSync(unshare, [...namespace, 'true']).status === 0

describe('the lock of a data folder', () => {
  let folder: string
  const running: ChildProcess[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-lock-'))
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(kill))
    rmSync(folder, { recursive: true, force: true })
  })

  const kill = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  /** Resolves with what a process says that tries to lock the folder. */
  const tryLock = async (container = false) => {
    const [command, ...args] = [
      ...(container ? [unshare ?? '', ...namespace] : []),
      process.execPath,
      holder,
      folder,
    ]
    const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    running.push(child)
    const said = await new Promise<string>((resolve) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
    })
    return { child, said }
  }
  const inUse = expect.stringContaining(' is in use')

  it.skipIf(!canUnshare)('is shared by all containers, each of which is process 1', async () => {
    const first = await tryLock(true)
    expect(first.said).toBe('locked')
    expect((await tryLock(true)).said).toEqual(inUse)
    expect((await tryLock()).said).toEqual(inUse)
    await kill(first.child)
    expect((await tryLock(true)).said).toBe('locked')
  })

  it('goes to one of many processes that start after its holder was killed', async () => {
    await kill((await tryLock()).child)
    const tries = await Promise.all(Array.from({ length: 6 }, () => tryLock()))
    expect(tries.filter(({ said }) => said === 'locked')).toHaveLength(1)
  })

  it('is free when another program has the number of its last holder', () => {
    writeFileSync(join(folder, 'server.pid'), String(process.ppid))
    lockDataDir(folder)()
  })

  it('is refused to the same process, too, and free after its release', () => {
    const release = lockDataDir(folder)
    expect(readFileSync(join(folder, 'server.pid'), 'utf8')).toBe(String(process.pid))
    expect(() => lockDataDir(folder)).toThrow('server.lock')
    expect(() => lockDataDir(folder)).toThrow('is in use')
    release()
    lockDataDir(folder)()
  })

  it('is refused beside a server of the previous release, which only writes its number', async () => {
    const file = openSync(join(folder, 'data'), 'w')
    const old = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', file] })
    closeSync(file)
    running.push(old)
    writeFileSync(join(folder, 'server.pid'), String(old.pid))
    expect((await tryLock()).said).toContain(`It is process ${old.pid}`)
    await kill(old)
    expect((await tryLock()).said).toBe('locked')
  })
})
