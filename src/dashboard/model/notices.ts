import { signal } from '@preact/signals'

/** `sent`: accepted, and not done yet. `partial`: accepted for some agents only. */
export type Notice = {
  id: number
  kind: keyof typeof SHOWN_MS
  text: string
  /** The page of what it is about. */
  link: string | undefined
  action: NoticeAction | undefined
}

/** What the user can do about it. `project_id`: where that is possible, if not everywhere. */
export type NoticeAction = { label: string; run: () => void; project_id?: string }

/** A problem stays until it is dismissed, and so does what the user can act on. */
const SHOWN_MS = { done: 5_000, sent: 8_000, partial: 12_000, problem: undefined } as const
/** One more removes the oldest. */
const MAX_NOTICES = 4

export const notices = signal<readonly Notice[]>([])
let lastId = 0

/** Shows a notice, also to screen readers; `link`: the address of what it is about. */
export function say(kind: Notice['kind'], text: string, link?: string, action?: NoticeAction): void {
  const id = ++lastId
  notices.value = [...notices.peek().slice(1 - MAX_NOTICES), { id, kind, text, link, action }]
  const shown = action ? undefined : SHOWN_MS[kind]
  if (shown !== undefined) setTimeout(() => dismiss(id), shown)
}

export function dismiss(id: number): void {
  notices.value = notices.peek().filter((notice) => notice.id !== id)
}
