import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'

/** Makes the folder, readable by its owner alone. */
export function prepareDataDir(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const way = 'set DATA_DIR to a folder that this user may write to'
    throw new Error(`cannot write to the folder ${resolve(folder)} (${codeOf(error)}): ${way}`)
  }
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
 * PGlite does not lock its folder, and two processes in one folder would lose rows in silence. So the server locks a file
 * in it the way SQLite locks a database: the kernel knows the holder from any container, and frees the lock when the holder
 * ends. Nothing else may open the file, since a process that closes it gives up the lock. Returns the release.
 */
export function lockDataDir(folder: string): () => void {
  prepareDataDir(folder)
  const [lock_path, pid_path] = [join(folder, 'server.lock'), join(folder, 'server.pid')]
  // Not imported at the top: older versions of Node print a warning, and a server with PostgreSQL does not need it.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const lock = new DatabaseSync(lock_path)
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (sqliteCodeOf(error) !== SQLITE_BUSY) throw new Error(`cannot lock ${lock_path}: ${String(error)}`)
    throw inUse(
      folder,
      `It may run in another container: on the host, \`fuser ${lock_path}\` names the process.`,
    )
  }
  const holder = Number(readIfThere(pid_path))
  if (isServingWithoutLock(holder, folder)) {
    lock.close()
    throw inUse(folder, `It is process ${holder}, which runs an older release.`)
  }
  // Servers of older releases read this file.
  writeFileSync(pid_path, String(process.pid), { mode: 0o600 })
  return () => {
    rmSync(pid_path, { force: true })
    lock.close()
  }
}

const SQLITE_BUSY = 5

function inUse(folder: string, hint: string): Error {
  const ways = 'stop that process, set another DATA_DIR, or use PostgreSQL with DATABASE_URL'
  return new Error(
    `${folder} is in use by another process, and an embedded database serves only one: ${ways}. ${hint}`,
  )
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return ''
  }
}

/** Whether the process has files of the folder open. By now the number may belong to another program. */
function isServingWithoutLock(pid: number, folder: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  const own = `${realpathSync(folder)}/`
  const fds = `/proc/${pid}/fd`
  try {
    return readdirSync(fds).some((fd) => readlinkOrNothing(join(fds, fd)).startsWith(own))
  } catch {
    // The process ended, belongs to another user, or this system has no such folder.
    return false
  }
}

function readlinkOrNothing(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed since it was listed.
    return ''
  }
}

function sqliteCodeOf(error: unknown): unknown {
  return (error as { errcode?: unknown }).errcode
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
