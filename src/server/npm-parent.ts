/** How often the process checks for its parent. */
const LOOK_EVERY_MS = 500

/** The scripts of this repository that run a server. */
const scripts: readonly unknown[] = ['start', 'demo', 'signalbox']

/**
 * npm and npx run a command in a shell that passes no signal on: a SIGTERM ends npm and the shell, but not the command. So
 * a command under them treats the end of its parent as a SIGTERM.
 */
export function endWithNpm(variables: Record<string, string | undefined>): void {
  if (variables.npm_command !== 'exec' && !scripts.includes(variables.npm_lifecycle_event)) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, LOOK_EVERY_MS)
  timer.unref()
}
