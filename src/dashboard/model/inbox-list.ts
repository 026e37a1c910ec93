import { computed, signal } from '@preact/signals'
import { type RequestState, requestStates } from '#src/domain/request.ts'
import type { Inbox } from './inbox.ts'
import { links } from './links.ts'
import { type Asked, byAge } from './requests.ts'
import { goTo, place, query, replacePlace, withQuery } from './route.ts'

/** How long a request that came by itself takes no answer by key: `y` is easily pressed twice. */
const LOOKED_AT_MS = 500

export const listedStates = [...requestStates, 'all'] as const
export type InboxFilter = {
  state: RequestState | 'all'
  project_id: string | undefined
  reason: string | undefined
  agent_id: string | undefined
}

export function isShown(request: Asked, { project_id, reason, agent_id }: InboxFilter): boolean {
  return (
    (project_id === undefined || request.project_id === project_id) &&
    (reason === undefined || request.reason === reason) &&
    (agent_id === undefined || request.agent_id === agent_id)
  )
}

/** The inbox as it is shown: filtered as the address says, with the request that keys act on. */
export class InboxList {
  readonly #inbox: Inbox
  /** What the server listed for another state than open. */
  readonly listed = signal<readonly Asked[]>([])
  /** The highlighted request, where the address names none. */
  readonly #highlighted = signal<string | undefined>(undefined)
  /** The request that the user has opened or gone to, or that has been in sight long enough after an answer. */
  #chosen: string | undefined
  /** When the request that came by itself after an answer came into sight. */
  #cameAt: number | undefined

  /** Where the focus goes after the next drawing. */
  readonly focus = signal<'row' | 'form' | undefined>(undefined)

  readonly filter = computed((): InboxFilter => {
    const asked = (name: string) => query.value.get(name) || undefined
    return {
      state: listedStates.find((state) => state === asked('state')) ?? 'open',
      project_id: asked('project'),
      reason: asked('reason'),
      agent_id: asked('agent'),
    }
  })

  /** Open requests, and the highlighted one that has ended meanwhile, so that its end is seen. */
  readonly shown = computed((): readonly Asked[] => {
    const filter = this.filter.value
    if (filter.state !== 'open') return this.listed.value
    const open = this.#inbox.open.value.filter((request) => isShown(request, filter))
    const ended = this.#inbox.find(this.#asked.value ?? '')
    const isKept = ended !== undefined && ended.state !== 'open' && isShown(ended, filter)
    return isKept ? [...open, ended].sort(byAge) : open
  })

  readonly #asked = computed(() =>
    place.value.view === 'request' ? place.value.request_id : this.#highlighted.value,
  )

  /** The request that is shown beside the list. */
  readonly current = computed((): Pick<Asked, 'id' | 'project_id'> | undefined => {
    const at = place.value
    if (at.view === 'request') return { id: at.request_id, project_id: at.project_id }
    const shown = this.shown.value
    return shown.find(({ id }) => id === this.#highlighted.value) ?? shown[0]
  })

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  /** Whether keys may answer the current request: the user has opened it, gone to it, or seen it for a while. */
  get isChosen(): boolean {
    const current = this.current.peek()
    if (this.#cameAt !== undefined && performance.now() < this.#cameAt + LOOKED_AT_MS) return false
    return current !== undefined && (place.peek().view === 'request' || current.id === this.#chosen)
  }

  /** Opens the request on a page of its own, which a phone needs. */
  open({ id, project_id }: Pick<Asked, 'id' | 'project_id'>): void {
    this.#chosen = id
    this.#cameAt = undefined
    this.focus.value = 'form'
    if (place.peek().view !== 'request') goTo(withQuery(links.request(project_id, id)))
  }

  /** Back to the list. */
  leave(): void {
    this.#chosen = this.current.peek()?.id
    this.#highlighted.value = this.#chosen
    this.focus.value = 'row'
    if (place.peek().view === 'request') goTo(withQuery(links.requests()))
  }

  /** The last request has been answered: there is none to show. */
  finish(): void {
    this.#highlighted.value = undefined
    if (place.peek().view === 'request') replacePlace(links.requests())
  }

  /** Keeps the request that shows first, also when others come before it. */
  keep(): void {
    const current = this.current.peek()
    if (current) this.#highlighted.value = current.id
  }

  /** Shows another request. An opened one leaves its place in the history to the next. */
  show({ id, project_id }: Pick<Asked, 'id' | 'project_id'>): void {
    this.#chosen = id
    this.#cameAt = undefined
    this.#highlighted.value = id
    if (place.peek().view === 'request') replacePlace(links.request(project_id, id))
  }

  /** Shows the next request after an answer. */
  goOn(next: Asked): void {
    this.show(next)
    this.#cameAt = performance.now()
    this.focus.value = 'row'
  }

  move(by: number): void {
    const shown = this.shown.peek()
    const from = shown.findIndex(({ id }) => id === this.current.peek()?.id)
    const next = shown[Math.max(0, Math.min(shown.length - 1, from < 0 ? 0 : from + by))]
    if (!next) return
    this.show(next)
    this.focus.value = 'row'
  }

  /** The one that takes the place of a request that has just been answered. */
  after(id: string): Asked | undefined {
    const shown = this.shown.peek()
    const at = shown.findIndex((request) => request.id === id)
    return shown[at + 1] ?? shown[at - 1]
  }
}
