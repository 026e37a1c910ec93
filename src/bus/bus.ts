import type { LoggedEvent } from '#src/store/events.ts'

export type NewsListener = (event: LoggedEvent) => void

/**
 * Carries the news of committed events to every process. It may lose, repeat, delay and reorder them: the
 * log is the truth, and readers heal from it. Listeners of the publishing process hear it at once.
 */
export type Bus = {
  /** Never throws and never waits. */
  publish(event: LoggedEvent): void
  /** Resolves once news arrives, or when waiting for that has taken too long: the log heals the rest. */
  subscribe(project_id: string, listener: NewsListener): Promise<void>
  unsubscribe(project_id: string): void
  /** Called after a lost connection is back: news may have been missed meanwhile. */
  onReconnected(listener: () => void): void
  state(): 'none' | 'up' | 'down'
  close(): Promise<void>
}
