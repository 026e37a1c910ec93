import type { HttpBindings } from '@hono/node-server'
import type { Authentication } from '#src/auth/authenticate.ts'
import type { Principal } from '#src/domain/access.ts'

/** Filled by the upgrade route when a WebSocket may be opened. */
export type UpgradeTicket = { accepted?: { authentication: Authentication | undefined } }

export type HttpEnv = {
  Bindings: Partial<HttpBindings> & { upgrade?: UpgradeTicket }
  Variables: {
    request_id: string
    principal: Principal | undefined
    /** When the credentials end, in milliseconds since 1970. */
    expires_at: number | null
    failure: unknown
  }
}
