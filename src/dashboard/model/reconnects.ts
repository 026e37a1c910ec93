import { signal } from '@preact/signals'

/** Counts how often the connection has opened. What could not be loaded is loaded again then. */
export const reconnects = signal(0)
