import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes the folder, readable by its owner alone. */
export function prepareDataDir(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

/** `memory://` keeps the embedded database in memory: then nothing is written to a disk at all. */
export function isInMemory(folder: string): boolean {
  return folder.startsWith('memory://')
}

function makeSecret(): string {
  return randomBytes(48).toString('base64url')
}

/** A secret that is made once, and the same from then on. Two processes that start together agree on one. */
export function readOrCreateSecret(folder: string): string {
  if (isInMemory(folder)) return makeSecret()
  prepareDataDir(folder)
  const path = join(folder, 'secret-key')
  try {
    writeFileSync(path, makeSecret(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  chmodSync(path, 0o600)
  return readFileSync(path, 'utf8').trim()
}

/**
 * PGlite does not lock its folder, and two processes on one would lose rows in silence. So a file holds the
 * pid of the one that has it; that of a process which is gone is taken over. Returns the release.
 */
export function lockDataDir(folder: string): () => void {
  prepareDataDir(folder)
  const path = join(folder, 'server.pid')
  for (;;) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeFileSync(file, String(process.pid))
      closeSync(file)
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const holder = Number(readFileSync(path, 'utf8'))
    if (isRunning(holder)) {
      throw new Error(`${folder} is in use by process ${holder}: one embedded database serves one process`)
    }
    rmSync(path, { force: true })
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
