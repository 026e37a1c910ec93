import { signal } from '@preact/signals'

/** `sent`: accepted, and not done yet. `partial`: accepted for some agents only. */
export type Notice = { id: number; kind: keyof typeof SHOWN_MS; text: string }

/** A problem stays until it is dismissed. */
const SHOWN_MS = { done: 5_000, sent: 8_000, partial: 12_000, problem: undefined } as const
/** One more removes the oldest. */
const MAX_NOTICES = 4

export const notices = signal<readonly Notice[]>([])
let lastId = 0

/** Shows a notice, also to screen readers. */
export function say(kind: Notice['kind'], text: string): void {
  const id = ++lastId
  notices.value = [...notices.peek().slice(1 - MAX_NOTICES), { id, kind, text }]
  const shown = SHOWN_MS[kind]
  if (shown !== undefined) setTimeout(() => dismiss(id), shown)
}

export function dismiss(id: number): void {
  notices.value = notices.peek().filter((notice) => notice.id !== id)
}
