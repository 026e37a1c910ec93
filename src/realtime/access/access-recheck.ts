import { type Authentication, isUseUnnoted } from '#src/auth/authenticate.ts'
import { isAllowed, type Principal, type ProjectOperation, roleIn, userBehind } from '#src/domain/access.ts'
import { ACCESS_CHECK_MS } from '#src/realtime/bounds.ts'
import { findLiveCredentials, findStandings, noteKeyUse } from '#src/store/access.ts'
import type { Database } from '#src/store/database.ts'

/** An open socket or stream of a principal, and what it is used for. */
export type Guarded = {
  readonly authentication: Authentication | undefined
  uses(): Iterable<{ project_id: string; operation: ProjectOperation }>
  /** The same principal with its current role: a user may have become a superuser, or ceased to be one. */
  refresh(principal: Principal): void
  credentialLost(): void
  accessLost(project_id: string, operation: ProjectOperation): void
}

/**
 * Periodically re-checks that every connected principal still has access, with two statements for all of them. It reads
 * the database rather than follow changes, so it does not matter who changed what, or how. A connection with a key is a use
 * of the key, noted as requests note theirs.
 */
export class AccessRecheck {
  readonly #database: Database
  readonly #now: () => number
  readonly #guarded = new Set<Guarded>()
  readonly #timer: NodeJS.Timeout
  #isChecking = false

  constructor(database: Database, now: () => number) {
    this.#database = database
    this.#now = now
    this.#timer = setInterval(() => void this.check(), ACCESS_CHECK_MS)
  }

  add(guarded: Guarded): void {
    this.#guarded.add(guarded)
  }

  delete(guarded: Guarded): void {
    this.#guarded.delete(guarded)
  }

  /** The next check makes up for one that the database did not answer. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#guarded.size === 0) return
    this.#isChecking = true
    try {
      const { remaining, unnoted } = await this.#checkCredentials()
      await this.#checkRoles(remaining)
      if (unnoted.length > 0) await noteKeyUse(this.#database, unnoted, new Date(this.#now()).toISOString())
    } catch {
      // A database that does not answer costs no client its connection.
    } finally {
      this.#isChecking = false
    }
  }

  /** Who is left, and the keys whose use has to be noted. */
  async #checkCredentials(): Promise<{ remaining: Guarded[]; unnoted: string[] }> {
    const asked = [...this.#guarded].flatMap((one) => {
      const { authentication } = one
      return authentication ? [{ one, ...authentication }] : []
    })
    const [user_ids, key_ids] = [new Set<string>(), new Set<string>()]
    for (const { principal, credential_id } of asked) {
      const ids = principal.kind === 'user' ? user_ids : key_ids
      ids.add(credential_id)
    }
    const live = await findLiveCredentials(this.#database, { user_ids: [...user_ids], key_ids: [...key_ids] })
    const remaining = asked.filter(({ one, credential_id }) => {
      // The client has renewed its token since. The next check asks about the new one.
      if (one.authentication?.credential_id !== credential_id) return true
      const principal = live.get(credential_id)?.principal
      if (principal) one.refresh(principal)
      else one.credentialLost()
      return principal !== undefined
    })
    const now = this.#now()
    const unnoted = [...live].flatMap(([id, { last_used_at }]) =>
      last_used_at !== undefined && isUseUnnoted(last_used_at, now) ? [id] : [],
    )
    return { remaining: remaining.map(({ one }) => one), unnoted }
  }

  async #checkRoles(guarded: readonly Guarded[]): Promise<void> {
    const used = guarded.flatMap((one) => {
      const principal = one.authentication?.principal
      return principal ? [...one.uses()].map((use) => ({ one, principal, ...use })) : []
    })
    const pairs = new Map(
      used.map(({ project_id, principal }) => {
        const user_id = userBehind(principal)
        return [`${project_id} ${user_id}`, { project_id, user_id }]
      }),
    )
    if (pairs.size === 0) return
    const standings = new Map(
      (await findStandings(this.#database, [...pairs.values()])).map((standing) => [
        `${standing.project_id} ${standing.user_id}`,
        standing,
      ]),
    )
    for (const { one, principal, project_id, operation } of used) {
      const standing = standings.get(`${project_id} ${userBehind(principal)}`)
      // The feed reports a project that is deleted.
      if (standing && !isAllowed(roleIn(principal, standing), operation))
        one.accessLost(project_id, operation)
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
