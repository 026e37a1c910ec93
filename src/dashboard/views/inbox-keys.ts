import { Answers } from '../model/answers.ts'
import type { AppState } from '../model/app-state.ts'
import type { InboxList } from '../model/inbox-list.ts'
import { type Asked, type Choice, sayNo, sayYes } from '../model/requests.ts'

type Inbox = { app: AppState; list: InboxList }
type Key = (inbox: Inbox) => void

const keys: Record<string, Key> = {
  j: ({ list }) => list.move(1),
  k: ({ list }) => list.move(-1),
  ArrowDown: ({ list }) => list.move(1),
  ArrowUp: ({ list }) => list.move(-1),
  Enter: ({ list }) => {
    const current = list.current.peek()
    if (current) list.open(current)
  },
  y: (inbox) => answerCurrent(inbox, sayYes),
  n: (inbox) => answerCurrent(inbox, sayNo),
  Escape: ({ list }) => list.leave(),
}

/** Keys that the browser itself needs in these places. */
const native: Record<string, string> = {
  Enter: 'a, button, summary',
  ArrowDown: '.request',
  ArrowUp: '.request',
}
/** One key stroke answers one request, however long it is held. */
const once = ['y', 'n', 'Enter']

/** Handles a key anywhere on the page; while somebody types, only Escape. */
export function pressed(event: KeyboardEvent, inbox: Inbox): void {
  const { key, target } = event
  if (event.ctrlKey || event.altKey || event.metaKey || !(target instanceof Element)) return
  if (target.closest('dialog') || event.defaultPrevented) return
  const isTyping = target.closest('input, textarea, select') !== null && key !== 'Escape'
  const isNative = key in native && target.closest(native[key] ?? '') !== null
  if (isTyping || isNative || !Object.hasOwn(keys, key)) return
  event.preventDefault()
  if (!(event.repeat && once.includes(key))) keys[key]?.(inbox)
}

/** Answers what the user has opened, gone to or had the time to see, never what merely shows first. */
function answerCurrent(inbox: Inbox, choose: (request: Asked) => Choice | undefined): void {
  if (!inbox.list.isChosen) return
  const request = inbox.app.inbox.find(inbox.list.current.peek()?.id ?? '')
  if (request?.state !== 'open' || !inbox.app.mayAnswer(request)) return
  const choice = choose(request)
  if (choice) void answer(inbox, request, choice)
  else inbox.list.open(request)
}

/** How long an answered request stays in sight: a key that was meant for it must not answer the next one. */
const SEEN_MS = 300

/** Answers, and goes on to the next request; what is wrong is shown where it can be mended. */
export async function answer({ app, list }: Inbox, request: Asked, choice: Choice): Promise<void> {
  list.show(request)
  const isDone = await Answers.of(app).give(request, choice)
  if (isDone) await new Promise((resolve) => setTimeout(resolve, SEEN_MS))
  if (list.current.peek()?.id !== request.id) return
  if (!isDone) {
    if (Answers.of(app).draft(request).mistakes.size > 0) list.open(request)
    return
  }
  const next = list.after(request.id)
  if (next) return list.goOn(next)
  list.finish()
  list.focus.value = 'row'
}

/** Moves the focus to where the list wants it, once that is drawn. */
export function focusInbox(list: InboxList): void {
  const wanted = list.focus.peek()
  if (wanted === undefined) return
  const target = wanted === 'form' ? findForm() : findRow(list)
  // Never a button: a second Enter would answer.
  const element =
    target ?? document.querySelector<HTMLElement>('.request-title') ?? document.getElementById('main')
  element?.focus()
  list.focus.value = undefined
}

export function focusButton(): void {
  findFirst(buttons)?.focus()
}

/** On a phone an opened request hides the list. */
function findRow(list: InboxList): HTMLElement | null {
  const row = document.getElementById(`request-${list.current.peek()?.id}`)
  return row?.checkVisibility() ? row : null
}

function findForm(): HTMLElement | null {
  return findFirst(['[aria-invalid=true]', '.answer-fields :is(input, select, textarea)'])
}

const buttons = ['.answer-buttons .main', '.answer-buttons button']

function findFirst(places: readonly string[]): HTMLElement | null {
  for (const place of places) {
    const found = document.querySelector<HTMLElement>(`.request ${place}`)
    if (found) return found
  }
  return null
}
