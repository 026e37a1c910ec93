import { signal } from '@preact/signals'
import { type Api, eachItem, type OwnAccess, type Project, type User } from '#src/client/rest/rest.ts'
import { isAllowed, type ProjectOperation, type ProjectRole } from '#src/domain/access.ts'
import type { Actor } from '#src/domain/actor.ts'
import { People } from './people.ts'

type Owner = Pick<User, 'full_name' | 'email'>

/** What the user may do in each project, by the server's own table, and the names of others. */
export class Permissions {
  readonly people: People
  readonly #api: Api
  readonly #me: () => User
  readonly #access = signal<ReadonlyMap<string, OwnAccess>>(new Map())

  constructor(api: Api, me: () => User) {
    this.#api = api
    this.#me = me
    this.people = new People(api, { me, project_ids: () => [...this.#access.peek().keys()] })
  }

  get isSuperuser(): boolean {
    return this.#me().is_superuser
  }

  /** Undefined until the server has answered. */
  role({ id, owner_id }: Project): ProjectRole | undefined {
    const known = this.#access.value.get(id)
    if (known) return known.role
    if (this.isSuperuser) return 'superuser'
    return owner_id === this.#me().id ? 'owner' : undefined
  }

  may(project: Project, operation: ProjectOperation): boolean {
    return isAllowed(this.role(project), operation)
  }

  nameOf(actor: Actor): string {
    return this.people.nameOf(actor)
  }

  /** Undefined until the server has answered. */
  owner({ id }: Project): Owner | undefined {
    const known = this.#access.value.get(id)
    if (!known) return undefined
    return { full_name: known.owner_name, email: known.owner_email }
  }

  /** Reads the roles again: another person may have changed them. */
  async read(): Promise<void> {
    const all = await Array.fromAsync(eachItem((page) => this.#api.users.access(page)))
    const next = new Map(all.map((access) => [access.project_id, access]))
    const known = this.#access.peek()
    const isSame = JSON.stringify([...next]) === JSON.stringify([...known])
    this.people.learnUsers(
      all.map(({ owner_id: id, owner_name: full_name, owner_email: email }) => ({ id, full_name, email })),
    )
    if (isSame) return
    this.#access.value = next
    this.people.lookAgain()
  }
}
