import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/**
 * As pid 1 of a container, runs the same command line in a child and exits as it exits. The kernel ignores signals to pid 1
 * that the process does not handle, and Node handles none during the seconds in which it loads modules and sets up the
 * embedded database; a child without a handler ends at once. Returns true if the caller has nothing left to do.
 */
export function leaveToChildOfPidOne(): boolean {
  if (process.pid !== 1) return false
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' })
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  return true
}
