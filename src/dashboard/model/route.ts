import { computed, effect, signal } from '@preact/signals'

/** Where the page is: kept behind the `#`, so that a place can be bookmarked and the server knows one page. */
export type Place =
  | { view: 'projects' }
  | { view: 'types' }
  | { view: 'fleet' | 'overview' | 'members'; project_id: string }
  | { view: 'agent'; project_id: string; agent_id: string }

const id = '([0-9a-f-]{36})'
const patterns: [RegExp, (ids: string[]) => Place][] = [
  [/^$/, () => ({ view: 'projects' })],
  [/^types$/, () => ({ view: 'types' })],
  [new RegExp(`^p/${id}$`), ([project_id = '']) => ({ view: 'fleet', project_id })],
  [new RegExp(`^p/${id}/overview$`), ([project_id = '']) => ({ view: 'overview', project_id })],
  [new RegExp(`^p/${id}/members$`), ([project_id = '']) => ({ view: 'members', project_id })],
  [
    new RegExp(`^p/${id}/a/${id}$`),
    ([project_id = '', agent_id = '']) => ({ view: 'agent', project_id, agent_id }),
  ],
]

const hash = signal(location.hash)
addEventListener('hashchange', () => {
  hash.value = location.hash
})

/** An unknown place is the list of projects. */
export const place = computed((): Place => {
  const [path = ''] = hash.value.replace(/^#\/?/, '').split('?')
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(path)
    if (match) return make(match.slice(1))
  }
  return { view: 'projects' }
})

/** The filters, which are a part of the place. */
export const query = computed(() => new URLSearchParams(hash.value.split('?')[1] ?? ''))

/** The filters that each fleet was left with: who comes back finds it as it was. */
const left = new Map<string, string>()
effect(() => {
  const at = place.value
  if (at.view === 'fleet') left.set(at.project_id, query.value.toString())
})

export const links = {
  projects: '#/',
  types: '#/types',
  fleet: (project_id: string) => {
    const filters = left.get(project_id)
    return `#/p/${project_id}${filters ? `?${filters}` : ''}`
  },
  overview: (project_id: string) => `#/p/${project_id}/overview`,
  members: (project_id: string) => `#/p/${project_id}/members`,
  agent: (project_id: string, agent_id: string) => `#/p/${project_id}/a/${agent_id}`,
}

/** Changes the filters without an entry in the history for each key that is typed. */
export function replaceQuery(change: Record<string, string | undefined>): void {
  const next = new URLSearchParams(query.peek())
  for (const [name, value] of Object.entries(change)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  const text = next.toString()
  const [path] = hash.peek().split('?')
  history.replaceState(null, '', `${path || '#/'}${text && `?${text}`}`)
  hash.value = location.hash
}

export function goTo(link: string): void {
  location.hash = link
}
