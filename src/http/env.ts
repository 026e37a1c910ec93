import type { HttpBindings } from '@hono/node-server'
import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal } from '#src/domain/access.ts'

/** Filled by the upgrade route when a WebSocket may be opened; `address` is the one that limits count. */
export type UpgradeTicket = { accepted?: { authentication: Authentication | undefined; address: string } }

export type HttpEnv = {
  Bindings: Partial<HttpBindings> & { upgrade?: UpgradeTicket }
  Variables: {
    request_id: string
    /** Where the request comes from: the first hop that is not a trusted proxy. */
    address: string
    principal: Principal | undefined
    authentication: Authentication | undefined
    failure: unknown
    /** The operation of the route that answers. */
    operation: string | undefined
  }
}
