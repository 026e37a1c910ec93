import { effect, signal } from '@preact/signals'
import type { AppState } from '../model/app-state.ts'
import { neighbourOf } from '../model/fleet-list.ts'
import { links } from '../model/links.ts'
import { say } from '../model/notices.ts'
import { goTo, place, projectOf } from '../model/route.ts'

/** Whether the list of shortcuts is open. */
export const isShowingKeys = signal(false)

export function showKeys(): void {
  isShowingKeys.value = true
}

/** Whether keys belong to a field or a dialog; a box takes none of those that are shortcuts. */
export function isTyping(target: EventTarget | null): boolean {
  const fields = 'input:not([type=checkbox], [type=radio]), textarea, select, dialog'
  return target instanceof Element && target.closest(fields) !== null
}

/** Whether the search over everything is open. */
export const isShowingPalette = signal(false)
let typedAhead = ''

export function showPalette(): void {
  typedAhead = ''
  isShowingPalette.value = true
}

/** What the user has typed since the search was asked for: its code may come later. */
export function takeTypedAhead(): string {
  const typed = typedAhead
  typedAhead = ''
  return typed
}

/** Until the search is there, its keys are no shortcuts. */
function typeAhead({ key, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean {
  if (!isShowingPalette.peek() || document.querySelector('dialog[open]')) return false
  if (ctrlKey || altKey || metaKey || key.length !== 1) return false
  typedAhead += key
  return true
}

/** What people press, in their words. */
export const paletteKeys = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘ K' : 'Ctrl K'

/** Also while the user types, and not over another dialog. It closes what it has opened. */
function togglePalette(event: KeyboardEvent): boolean {
  const isAsked = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey
  if (!isAsked || event.shiftKey) return false
  event.preventDefault()
  if (isShowingPalette.peek() || !document.querySelector('dialog[open]')) {
    if (isShowingPalette.peek()) isShowingPalette.value = false
    else showPalette()
  }
  return true
}

/** After `g`, the next key names a page, if it comes within this time. */
const PREFIX_MS = 1_500

function project(): string | undefined {
  const at = place.peek()
  return 'project_id' in at ? at.project_id : undefined
}

/** Pages of all projects lead back to the project that was shown last. */
let lastProject: string | undefined
effect(() => {
  lastProject = projectOf(place.value) ?? lastProject
})

const inProject = (link: (project_id: string) => string) => (app: AppState) => {
  const [only, ...others] = app.projects.peek().value ?? []
  const known = lastProject !== undefined && app.project(lastProject) ? lastProject : undefined
  const project_id = project() ?? known ?? (others.length === 0 ? only?.id : undefined)
  if (project_id !== undefined) return link(project_id)
  say('partial', 'This key needs a project: open one first')
  return true
}

const pages: Record<string, (app: AppState) => string | true> = {
  p: () => links.projects,
  i: () => links.requests(),
  w: () => links.wall(project()),
  f: inProject(links.fleet),
  o: inProject(links.overview),
  l: inProject(links.log),
  u: inProject(links.usage),
  b: inProject(links.budgets),
}

/** The agent, or the project, before or after this one. */
function step(app: AppState, by: 1 | -1): string | undefined {
  const at = place.peek()
  if (at.view === 'agent') {
    const live = app.live(at.project_id)
    const next = live && neighbourOf(live, at.agent_id, by)
    return next && links.agent(at.project_id, next)
  }
  const projects = app.projects.peek().value ?? []
  const index = projects.findIndex(({ id }) => id === project())
  // Where no project is shown, the keys lead to the first and the last one.
  const next = index < 0 ? projects.at(by > 0 ? 0 : -1) : projects[index + by]
  return next && links.fleet(next.id)
}

const keys: Record<string, (app: AppState) => string | undefined | true> = {
  '?': () => {
    showKeys()
    return true
  },
  '[': (app) => step(app, -1),
  ']': (app) => step(app, 1),
  Escape: () => {
    const at = place.peek()
    return at.view === 'agent' ? links.fleet(at.project_id) : undefined
  },
}

/** Keys that work on every page, unless the user is typing or a dialog is open. Returns a function that ends it. */
export function listenToKeys(app: AppState): () => void {
  // Times count from the load of the page, so 0 would make the first keys second ones.
  let prefixedAt = Number.NEGATIVE_INFINITY
  const onKey = (event: KeyboardEvent) => {
    if (togglePalette(event)) return
    if (typeAhead(event)) {
      event.preventDefault()
      event.stopImmediatePropagation()
      return
    }
    const { key, target } = event
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    if (isTyping(target)) return
    const isPrefixed = event.timeStamp - prefixedAt < PREFIX_MS
    prefixedAt = key === 'g' && !isPrefixed ? event.timeStamp : Number.NEGATIVE_INFINITY
    const way = isPrefixed ? pages : keys
    const found = Object.hasOwn(way, key) ? way[key]?.(app) : undefined
    if (found === undefined || found === '') return
    event.preventDefault()
    event.stopImmediatePropagation()
    if (found !== true) goTo(found)
  }
  // Before the keys of a page, so that the second key of two is not taken for one.
  document.addEventListener('keydown', onKey, { capture: true })
  return () => document.removeEventListener('keydown', onKey, { capture: true })
}
