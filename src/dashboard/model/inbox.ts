import { computed, type ReadonlySignal, signal } from '@preact/signals'
import type { Api } from '#src/client/rest/rest.ts'
import { RequestBook } from './request-book.ts'
import type { Asked } from './requests.ts'

/** How often the page reads the inbox again: projects without a live view announce nothing. */
const READ_EVERY_MS = 30_000
/** Several gaps at once cost one reading. */
const READ_SOON_MS = 300
/** Events of this time are shown together, so that many of them cost one drawing. */
const SHOWN_EVERY_MS = 50
/** One reading takes at most this many requests; the rest is only counted. */
const PAGE_SIZE = 100
const MAX_PAGES = 5

/** The open requests of all projects: from the server's list, kept up to date by the events of live projects. */
export class Inbox {
  readonly #api: Api
  readonly #onNew: (request: Asked) => void
  readonly #book = new RequestBook()
  readonly #version = signal(0)
  readonly #problem = signal<string | undefined>(undefined)
  readonly #beyond = signal(0)
  readonly #timer: ReturnType<typeof setInterval>
  #soon: ReturnType<typeof setTimeout> | undefined
  #shown: ReturnType<typeof setTimeout> | undefined
  #reading: Promise<void> | undefined
  #isRead = false

  /** Oldest first. */
  readonly open: ReadonlySignal<readonly Asked[]> = computed(() => {
    void this.#version.value
    return this.#book.open
  })
  /** All open ones, also those beyond the list. */
  readonly count = computed(() => this.open.value.length + this.#beyond.value)
  /** The open ones by agent, oldest first. */
  readonly byAgent = computed(() => Map.groupBy(this.open.value, ({ agent_id }) => agent_id))

  /** `onNew` gets each request that an event opens. */
  constructor(api: Api, onNew: (request: Asked) => void) {
    this.#api = api
    this.#onNew = onNew
    this.#timer = setInterval(() => void this.read(), READ_EVERY_MS)
    void this.read()
  }

  /** Changes with every change of what is known. */
  get version(): ReadonlySignal<number> {
    return this.#version
  }

  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** Whether the server has answered; false only at first. */
  get isRead(): boolean {
    void this.#version.value
    return this.#isRead
  }

  /** How many open requests are not in the list. */
  get beyond(): ReadonlySignal<number> {
    return this.#beyond
  }

  find(id: string): Asked | undefined {
    void this.#version.value
    return this.#book.find(id)
  }

  /** A request as the server answered it. */
  note(request: Asked): void {
    this.#book.note(request)
    this.#version.value++
  }

  /** A request of an event. */
  hear(request: Asked): void {
    if (request.state === 'open' && !this.#book.find(request.id)) this.#onNew(request)
    this.#book.note(request)
    this.#shown ??= setTimeout(() => {
      this.#shown = undefined
      this.#version.value++
    }, SHOWN_EVERY_MS)
  }

  readSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.read()
    }, READ_SOON_MS)
  }

  /** A reading that is asked for during another one follows it: the other may be too old. */
  async read(): Promise<void> {
    if (this.#reading) {
      await this.#reading
      return this.readSoon()
    }
    this.#reading = this.#read()
    await this.#reading
    this.#reading = undefined
  }

  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    clearTimeout(this.#shown)
  }

  async #read(): Promise<void> {
    this.#book.beginReading()
    try {
      const listed: Asked[] = []
      let total = 0
      for (let page = 1; page <= MAX_PAGES; page++) {
        const answer = await this.#api.requests.mine({ page, limit: PAGE_SIZE })
        listed.push(...answer.data)
        total = answer.pagination.total
        if (!answer.pagination.has_next) break
      }
      this.#book.fill(listed)
      this.#beyond.value = Math.max(0, total - listed.length)
      this.#problem.value = undefined
      this.#isRead = true
    } catch (error) {
      this.#problem.value = error instanceof Error ? error.message : String(error)
    }
    this.#version.value++
  }
}
