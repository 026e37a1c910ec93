import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

export type Process = {
  pid: number
  parent: number
  group: number
  /** 0 where the system does not say. */
  session: number
  name: string
  /** Tells it from a later process with the same pid; empty where the system does not say. */
  started: string
  state: 'running' | 'stopped' | 'dead'
}

/** All processes of this machine that this user can see. */
export type ListProcesses = () => Promise<Process[]>

export const listProcesses: ListProcesses = process.platform === 'linux' ? listFromProc : listFromPs

async function listFromProc(): Promise<Process[]> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => readProcess(pid) ?? [])
}

/** Undefined if it has ended since. */
function readProcess(pid: string): Process | undefined {
  const stat = readStat(`/proc/${pid}/stat`)
  if (!stat) return undefined
  const [letter = '', parent, group, session] = stat.fields
  const process = { parent: Number(parent), group: Number(group), session: Number(session) }
  const state = toState(letter)
  return { pid: Number(pid), ...process, name: stat.name, started: stat.fields[19] ?? '', state }
}

/** The name is in parentheses, and may contain some itself. */
function readStat(path: string): { name: string; fields: string[] } | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    const end = text.lastIndexOf(')')
    return { name: text.slice(text.indexOf('(') + 1, end), fields: text.slice(end + 2).split(' ') }
  } catch {
    return undefined
  }
}

/**
 * A process stops thread by thread, and lives on when its first thread has ended. Without `/proc`, the process as a whole
 * is all that the system tells.
 */
export function stateOf({ pid, state }: Process): Process['state'] {
  if (process.platform !== 'linux') return state
  const threads = readThreads(pid).map((path) => toState(readStat(path)?.fields[0] ?? 'X'))
  const living = threads.filter((one) => one !== 'dead')
  if (living.length === 0) return 'dead'
  return living.every((one) => one === 'stopped') ? 'stopped' : 'running'
}

function readThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/stat`)
  } catch {
    return []
  }
}

/** `t`: stopped by a debugger, which does not let it run either. */
function toState(letter: string): Process['state'] {
  if (letter.startsWith('T') || letter.startsWith('t')) return 'stopped'
  return /^[ZXx]/.test(letter) ? 'dead' : 'running'
}

/** For systems without `/proc`, such as macOS. */
export async function listFromPs(): Promise<Process[]> {
  const columns = ['-A', '-o', 'pid=', '-o', 'ppid=', '-o', 'pgid=', '-o', 'state=', '-o', 'comm=']
  const { stdout } = await promisify(execFile)('ps', columns, { maxBuffer: 64 * 1024 * 1024 })
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state = '', ...name] = line.trim().split(/\s+/)
    if (!pid) return []
    const ids = { pid: Number(pid), parent: Number(parent), group: Number(group), session: 0 }
    return [{ ...ids, name: name.join(' '), started: '', state: toState(state) }]
  })
}
