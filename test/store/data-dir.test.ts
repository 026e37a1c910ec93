import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDataDir, readOrCreateSecret } from '#src/store/data-dir.ts'

describe('the data folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-data-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

  it('is made where it is missing, for its owner alone, with a secret that stays', () => {
    const path = join(folder, 'deeper', 'data')
    const secret = readOrCreateSecret(path)
    expect(secret.length).toBeGreaterThanOrEqual(32)
    expect(readOrCreateSecret(path)).toBe(secret)
    expect(modeOf(path)).toBe('700')
    expect(modeOf(join(path, 'secret-key'))).toBe('600')
  })

  it('has a secret of its own each time', () => {
    expect(readOrCreateSecret(join(folder, 'a'))).not.toBe(readOrCreateSecret(join(folder, 'b')))
  })

  it('serves one process at a time', () => {
    // The parent of this process runs as long as this one.
    writeFileSync(join(folder, 'server.pid'), String(process.ppid))
    expect(() => lockDataDir(folder)).toThrow(`in use by process ${process.ppid}`)
    expect(readFileSync(join(folder, 'server.pid'), 'utf8')).toBe(String(process.ppid))
  })

  it('is taken over from a process that is gone, and given back in the end', () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(join(folder, 'server.pid'), String(gone))
    const release = lockDataDir(folder)
    expect(readFileSync(join(folder, 'server.pid'), 'utf8')).toBe(String(process.pid))
    release()
    lockDataDir(folder)()
  })
})
