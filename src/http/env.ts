import type { HttpBindings } from '@hono/node-server'
import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal } from '#src/domain/access.ts'
import type { UnsentAccount } from '#src/domain/unsent-budget.ts'

/** The upgrade route fills it when a WebSocket may be opened. `address` is the limit key. */
export type UpgradeTicket = { accepted?: { authentication: Authentication | undefined; address: string } }

export type HttpEnv = {
  Bindings: Partial<HttpBindings> & {
    upgrade?: UpgradeTicket
    /** The caller's address, where the server sends itself a request on its behalf. */
    address?: string
  }
  Variables: {
    request_id: string
    /** The first hop that is not a trusted proxy. */
    address: string
    principal: Principal | undefined
    authentication: Authentication | undefined
    /** Counts what the server has made for the principal's user and not sent yet. */
    account: UnsentAccount | undefined
    failure: unknown
    operation: string | undefined
  }
}
