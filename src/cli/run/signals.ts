/** A service manager, a closed terminal or a person ends this program with these. */
const ending = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
const forwarded = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

export type EndingSignal = (typeof ending)[number]

type Actions = {
  end: (signal: EndingSignal) => void
  forward: (signal: NodeJS.Signals) => void
  /** Ctrl-Z. Resolves when the command is stopped. */
  suspend: () => Promise<void>
  /** This process was stopped, and continues. */
  continued: () => void
}

/**
 * Takes the signals of this process for its command, which is in a session of its own, so that the terminal sends none to
 * it. Returns a function that stops that.
 */
export function takeSignals({ end, forward, suspend, continued }: Actions): () => void {
  const listeners: [NodeJS.Signals, () => void][] = [
    ...ending.map((signal): [NodeJS.Signals, () => void] => [signal, () => end(signal)]),
    ...forwarded.map((signal): [NodeJS.Signals, () => void] => [signal, () => forward(signal)]),
    ['SIGTSTP', () => void suspend().then(() => process.kill(process.pid, 'SIGSTOP'))],
    ['SIGCONT', continued],
  ]
  for (const [signal, listener] of listeners) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
