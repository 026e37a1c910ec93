import { type ReadonlySignal, signal } from '@preact/signals'
import { type Api, eachItem, type Member, type Project, type User } from '#src/client/rest/rest.ts'
import { isAllowed, type ProjectOperation, type ProjectRole } from '#src/domain/access.ts'
import type { Actor } from '#src/domain/actor.ts'

const kinds = { api_key: 'API key', user: 'user' } as const

/** What the user may do in each project, by the server's own table, and the names of other users. */
export class Permissions {
  readonly #api: Api
  readonly #me: User
  readonly #roles = new Map<string, ReturnType<typeof signal<ProjectRole | undefined>>>()
  readonly #names = signal<ReadonlyMap<string, string>>(new Map())
  #isReadingUsers = false

  constructor(api: Api, me: User) {
    this.#api = api
    this.#me = me
  }

  get isSuperuser(): boolean {
    return this.#me.is_superuser
  }

  /** Undefined until the server has answered. */
  role(project: Project): ReadonlySignal<ProjectRole | undefined> {
    const known = this.#roles.get(project.id)
    if (known) return known
    const isOwner = project.owner_id === this.#me.id
    const role = signal<ProjectRole | undefined>(
      this.isSuperuser ? 'superuser' : isOwner ? 'owner' : undefined,
    )
    this.#roles.set(project.id, role)
    void this.#readMembers(project.id)
      .then((members) => {
        role.value ??= members.find(({ user_id }) => user_id === this.#me.id)?.role
      })
      .catch(() => this.#roles.delete(project.id))
    return role
  }

  may(project: Project, operation: ProjectOperation): boolean {
    return isAllowed(this.role(project).value, operation)
  }

  nameOf({ kind, id }: Actor): string {
    if (kind === 'system' || id === null) return 'Signalbox'
    if (kind === 'runtime') return 'its runtime'
    if (id === this.#me.id) return 'you'
    return this.#names.value.get(id) ?? `${kinds[kind]} ${id.slice(-6)}`
  }

  async #readMembers(project_id: string): Promise<Member[]> {
    if (this.isSuperuser && !this.#isReadingUsers) {
      this.#isReadingUsers = true
      void this.#readUsers().catch(() => {})
    }
    const members = await Array.fromAsync(eachItem((page) => this.#api.members.list(project_id, page)))
    this.#name(members.map(({ user_id, full_name, email }) => [user_id, full_name ?? email]))
    return members
  }

  async #readUsers(): Promise<void> {
    const users = await Array.fromAsync(eachItem((page) => this.#api.users.list(page)))
    this.#name(users.map(({ id, full_name, email }) => [id, full_name ?? email]))
  }

  #name(names: [string, string][]): void {
    this.#names.value = new Map([...this.#names.peek(), ...names])
  }
}
