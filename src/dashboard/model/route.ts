import { computed, effect, signal } from '@preact/signals'
import { lastFilters } from './links.ts'

/** The current place, kept after the `#`, so that users can bookmark it and the server has only one page. */
export type Place =
  | { view: 'projects' }
  | { view: 'types' | 'audit' | 'keys' | 'users' | 'profile' }
  | { view: 'requests' }
  | { view: 'wall' }
  | { view: 'request'; project_id: string; request_id: string }
  | {
      view: 'fleet' | 'overview' | 'log' | 'usage' | 'budgets' | 'members' | 'settings' | 'connect'
      project_id: string
    }
  | { view: 'agent'; project_id: string; agent_id: string }

const id = '([0-9a-f-]{36})'
const patterns: [RegExp, (ids: string[]) => Place][] = [
  [/^$/, () => ({ view: 'projects' })],
  [/^types$/, () => ({ view: 'types' })],
  [/^audit$/, () => ({ view: 'audit' })],
  [/^wall$/, () => ({ view: 'wall' })],
  [/^keys$/, () => ({ view: 'keys' })],
  [/^users$/, () => ({ view: 'users' })],
  [/^profile$/, () => ({ view: 'profile' })],
  [/^requests$/, () => ({ view: 'requests' })],
  [new RegExp(`^p/${id}$`), ([project_id = '']) => ({ view: 'fleet', project_id })],
  [new RegExp(`^p/${id}/overview$`), ([project_id = '']) => ({ view: 'overview', project_id })],
  [new RegExp(`^p/${id}/log$`), ([project_id = '']) => ({ view: 'log', project_id })],
  [new RegExp(`^p/${id}/usage$`), ([project_id = '']) => ({ view: 'usage', project_id })],
  [new RegExp(`^p/${id}/budgets$`), ([project_id = '']) => ({ view: 'budgets', project_id })],
  [new RegExp(`^p/${id}/members$`), ([project_id = '']) => ({ view: 'members', project_id })],
  [new RegExp(`^p/${id}/settings$`), ([project_id = '']) => ({ view: 'settings', project_id })],
  [new RegExp(`^p/${id}/connect$`), ([project_id = '']) => ({ view: 'connect', project_id })],
  [
    new RegExp(`^p/${id}/a/${id}$`),
    ([project_id = '', agent_id = '']) => ({ view: 'agent', project_id, agent_id }),
  ],
  [
    new RegExp(`^p/${id}/requests/${id}$`),
    ([project_id = '', request_id = '']) => ({ view: 'request', project_id, request_id }),
  ],
]

const hash = signal(location.hash)
addEventListener('hashchange', () => {
  hash.value = location.hash
})

/** An unknown place shows the list of projects. */
export const place = computed((): Place => {
  const [path = ''] = hash.value.replace(/^#\/?/, '').split('?')
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(path)
    if (match) return make(match.slice(1))
  }
  return { view: 'projects' }
})

/** The project whose pages are shown; a request is among those of all projects. */
export function projectOf(at: Place): string | undefined {
  return at.view !== 'request' && 'project_id' in at ? at.project_id : undefined
}

/** The filters, which are part of the place. */
export const query = computed(() => new URLSearchParams(hash.value.split('?')[1] ?? ''))

// A moment in the past is no filter.
effect(() => {
  const at = place.value
  if (at.view !== 'fleet') return
  const filters = new URLSearchParams(query.value)
  for (const name of ['at', 'over']) filters.delete(name)
  lastFilters.set(at.project_id, filters.toString())
})

/** Changes the filters without a history entry for each key stroke. */
export function replaceQuery(change: Record<string, string | undefined>): void {
  const next = new URLSearchParams(query.peek())
  for (const [name, value] of Object.entries(change)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  const [path] = hash.peek().split('?')
  replaceWith(path || '#/', next)
}

/** Shows another place with the same filters, which takes over the history entry of this one. */
export function replacePlace(link: string): void {
  replaceWith(link, query.peek())
}

/** The link with the filters of this place. */
export function withQuery(link: string): string {
  const text = query.value.toString()
  return `${link}${text && `?${text}`}`
}

function replaceWith(path: string, filters: URLSearchParams): void {
  const text = filters.toString()
  history.replaceState(null, '', `${path}${text && `?${text}`}`)
  hash.value = location.hash
}

/** The next key may come before the browser's event. */
export function goTo(link: string): void {
  location.hash = link
  hash.value = location.hash
}
