import type { Bus, NewsListener } from './bus.ts'

/** The bus of a single process. */
export function createMemoryBus(): Bus {
  const listeners = new Map<string, NewsListener>()
  return {
    publish(event) {
      listeners.get(event.project_id)?.(event)
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
    },
    unsubscribe(project_id) {
      listeners.delete(project_id)
    },
    onReconnected() {},
    state: () => 'none',
    async close() {
      listeners.clear()
    },
  }
}
