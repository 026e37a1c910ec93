import { signal } from '@preact/signals'

export type Notice = { id: number; kind: 'done' | 'problem'; text: string }

const SHOWN_MS = { done: 5_000, problem: 12_000 } as const
/** More than this, and the oldest goes. */
const MAX_NOTICES = 4

export const notices = signal<readonly Notice[]>([])
let last_id = 0

/** Tells the operator, on the screen and to a screen reader. */
export function say(kind: Notice['kind'], text: string): void {
  const id = ++last_id
  notices.value = [...notices.peek().slice(1 - MAX_NOTICES), { id, kind, text }]
  setTimeout(() => dismiss(id), SHOWN_MS[kind])
}

export function dismiss(id: number): void {
  notices.value = notices.peek().filter((notice) => notice.id !== id)
}
