import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readOrCreateSecret } from '#src/store/data-dir.ts'

describe('the data folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-data-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

  it('is created for its owner only, with a secret that stays the same', () => {
    const path = join(folder, 'deeper', 'data')
    const secret = readOrCreateSecret(path)
    expect(secret.length).toBeGreaterThanOrEqual(32)
    expect(readOrCreateSecret(path)).toBe(secret)
    expect(modeOf(path)).toBe('700')
    expect(modeOf(join(path, 'secret-key'))).toBe('600')
  })

  it('has a different secret in each folder in memory', () => {
    expect(readOrCreateSecret(join(folder, 'a'))).not.toBe(readOrCreateSecret(join(folder, 'b')))
  })
})
