import { constants } from 'node:os'

/** How a command ended. */
export type Ended = {
  code: number
  /** What the agent shows of it; undefined for a success. */
  task?: string
  /** It could not be started at all, so it will not start a second later either. */
  isFinal?: boolean
}

/** As shells have it. */
export function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

export function toEnded(code: number | null, signal: NodeJS.Signals | null): Ended {
  if (signal) return { code: codeOf(signal), task: `exit code ${codeOf(signal)} (${signal})` }
  return code ? { code, task: `exit code ${code}` } : { code: 0 }
}

export function toFailedStart(program: string, error: NodeJS.ErrnoException): Ended {
  const [code, why] = error.code === 'ENOENT' ? [127, 'command not found'] : [126, error.message]
  return { code, task: `exit code ${code}: ${program}: ${why}`, isFinal: true }
}
