import { signal } from '@preact/signals'
import { type Api, type ApiKey, eachItem, type Member, type User } from '#src/client/rest/rest.ts'
import type { Actor } from '#src/domain/actor.ts'
import { isRuntimeKey } from './runtime-keys.ts'

type Named = Pick<User, 'full_name' | 'email'>

/** How people are called everywhere: by their name, else by their e-mail. */
export const personName = ({ full_name, email }: Named): string => full_name ?? email

const RUNTIME = 'its runtime'
const kinds = { api_key: 'API key', user: 'user' } as const
/** Of each list; a newer item comes first. */
const MAX_NAMES = 1_000
/** Projects whose members are read. */
const MAX_PROJECTS = 20
/** The time between two readings, however many unknown names come up. */
const REST_MS = 5_000
/** After this long the names are read again. */
const OLD_MS = 600_000

type Reader = { me: () => User; project_ids: () => readonly string[] }

/**
 * The names of users and API keys that the user may list. They are read when the page first shows one that it does not know.
 * A name that no list has is not looked for again until the lists have changed.
 */
export class People {
  readonly #api: Api
  readonly #reader: Reader
  readonly #names = signal<ReadonlyMap<string, string>>(new Map())
  readonly #sought = new Set<string>()
  #reading: ReturnType<typeof setTimeout> | undefined
  #readAt = 0

  constructor(api: Api, reader: Reader) {
    this.#api = api
    this.#reader = reader
  }

  nameOf({ kind, id }: Actor): string {
    if (kind === 'system' || id === null) return 'Signalbox'
    if (kind === 'runtime') return RUNTIME
    if (id === this.#reader.me().id) return 'you'
    const known = this.#names.value.get(id)
    if (known === undefined) this.#seek(id)
    return known ?? (isRuntimeKey(id) ? RUNTIME : `${kinds[kind]} ${id.slice(-6)}`)
  }

  learnUsers(users: readonly (Named & { id: string })[]): void {
    this.#learn(users.map((user) => [user.id, personName(user)]))
  }

  learnMembers(members: readonly Member[]): void {
    this.learnUsers(members.map(({ user_id, ...member }) => ({ ...member, id: user_id })))
  }

  learnKeys(keys: readonly Pick<ApiKey, 'id' | 'name'>[]): void {
    this.#learn(keys.map(({ id, name }) => [id, `key “${name}”`]))
  }

  /** The lists that the user may read have changed, so they may have more names. */
  lookAgain(): void {
    this.#sought.clear()
    this.#names.value = new Map(this.#names.peek())
  }

  /** Reads the names again once they are old. */
  refresh(): void {
    if (this.#readAt > 0 && Date.now() - this.#readAt > OLD_MS) this.#readSoon()
  }

  close(): void {
    clearTimeout(this.#reading)
  }

  #seek(id: string): void {
    if (this.#sought.has(id)) return
    this.#sought.add(id)
    this.#readSoon()
  }

  #readSoon(): void {
    const wait = Math.max(0, this.#readAt + REST_MS - Date.now())
    this.#reading ??= setTimeout(() => {
      this.#reading = undefined
      this.#readAt = Date.now()
      void this.#readKeys()
      void this.#readPeople()
    }, wait)
  }

  async #readKeys(): Promise<void> {
    this.learnKeys(await newest((page) => this.#api.keys.list(page)))
  }

  async #readPeople(): Promise<void> {
    if (this.#reader.me().is_superuser) {
      this.learnUsers(await newest((page) => this.#api.users.list(page)))
      return
    }
    for (const project_id of this.#reader.project_ids().slice(0, MAX_PROJECTS)) {
      this.learnMembers(await newest((page) => this.#api.members.list(project_id, page)))
    }
  }

  #learn(names: readonly [string, string][]): void {
    const known = this.#names.peek()
    if (names.some(([id, name]) => known.get(id) !== name)) this.#names.value = new Map([...known, ...names])
  }
}

/** A list that can't be read ends early. */
async function newest<Item>(list: Parameters<typeof eachItem<Item>>[0]): Promise<Item[]> {
  const items: Item[] = []
  try {
    for await (const item of eachItem(list)) {
      items.push(item)
      if (items.length === MAX_NAMES) break
    }
  } catch {
    // The ids stay as they are shown.
  }
  return items
}
