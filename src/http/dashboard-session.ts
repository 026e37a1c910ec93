import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { REFRESH_TOKEN_SECONDS } from '#src/auth/tokens.ts'
import { refreshSession, signIn, signOut, type TokenPair } from '#src/commands/sessions.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import { loginBody } from '#src/protocol/resources.ts'
import { limits } from './bounds.ts'
import { isOverHttps } from './client-address.ts'
import type { HttpEnv } from './env.ts'
import { isFromHere } from './origin.ts'
import { defineRoute, type Route } from './route.ts'

export const DASHBOARD_BASE = '/dashboard'
const path = '/session'
const COOKIE = 'signalbox_session'
const tag = 'Dashboard'
const success = { status: 200, schema: undefined, description: 'An access token' } as const

/**
 * The page's own sign-in has the commands and budgets of `/auth/*`. The page gets the access token; the refresh token is
 * in a cookie that no script can read and that the browser sends to these routes only.
 */
export function dashboardSessionRoutes(trustedHops: number): Route[] {
  const cookies = createCookies(trustedHops)
  return [
    defineRoute({
      method: 'post',
      path,
      operation_id: 'login',
      summary: 'Sign in',
      tag,
      limit: limits.login,
      access: 'public',
      body: loginBody,
      success,
      async handle({ context, body, c }) {
        assertFromHere(c)
        const attempt = { ...body, address: c.get('address') }
        return cookies.keep(c, await context.limitSignIn(attempt, () => signIn(context, attempt)))
      },
    }),
    defineRoute({
      method: 'put',
      path,
      operation_id: 'refresh',
      summary: 'Renew a session',
      tag,
      limit: limits.refresh,
      access: 'public',
      success,
      async handle({ context, c }) {
        assertFromHere(c)
        const token = getCookie(c, COOKIE)
        // No failure: it is the first question of each first visit.
        if (!token) return { user: null }
        try {
          return cookies.keep(c, await refreshSession(context, token))
        } catch (error) {
          // A refused token will never be accepted; without a database, it may be again.
          if (error instanceof SignalboxError) cookies.forget(c)
          throw error
        }
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      operation_id: 'logout',
      summary: 'Sign out',
      tag,
      limit: limits.write,
      access: 'public',
      success,
      async handle({ context, c }) {
        assertFromHere(c)
        const token = getCookie(c, COOKIE)
        if (token) await signOut(context, token)
        cookies.forget(c)
        return { success: true, message: 'Signed out' }
      },
    }),
  ]
}

/** SameSite keeps other sites from sending the cookie; this also refuses pages of a sister domain. */
function assertFromHere(c: Context<HttpEnv>): void {
  if (!isFromHere(c)) throw refuse('forbidden', 'This origin is not allowed')
}

function createCookies(trustedHops: number) {
  const attributes = (c: Context<HttpEnv>) =>
    ({
      path: DASHBOARD_BASE + path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: isOverHttps(c, trustedHops),
    }) as const
  return {
    keep(c: Context<HttpEnv>, { refresh_token, ...shown }: TokenPair) {
      setCookie(c, COOKIE, refresh_token, { ...attributes(c), maxAge: REFRESH_TOKEN_SECONDS })
      c.header('Cache-Control', 'no-store')
      return shown
    },
    forget(c: Context<HttpEnv>) {
      deleteCookie(c, COOKIE, attributes(c))
    },
  }
}
