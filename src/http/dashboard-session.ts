import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { REFRESH_TOKEN_SECONDS } from '#src/auth/tokens.ts'
import { refreshSession, signIn, signOut, type TokenPair } from '#src/commands/sessions.ts'
import { refuse, SignalboxError } from '#src/domain/errors.ts'
import { loginBody } from '#src/protocol/resources.ts'
import type { HttpEnv } from './env.ts'
import { isFromHere, isOverHttps } from './origin.ts'
import { defineRoute, limits, type Route } from './route.ts'

export const DASHBOARD_BASE = '/dashboard'
const path = '/session'
const COOKIE = 'signalbox_session'
const tag = 'Dashboard'
const success = { status: 200, schema: undefined, description: 'An access token' } as const

/**
 * The page's own sign-in: as `/auth/*`, with the same commands and budgets, but the refresh token lives in a cookie
 * that no script can read and that goes nowhere but here. The page gets the access token alone.
 */
export function dashboardSessionRoutes(trusted_hops: number): Route[] {
  const cookies = createCookies(trusted_hops)
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
      summary: 'Go on with a session',
      tag,
      limit: limits.refresh,
      access: 'public',
      success,
      async handle({ context, c }) {
        assertFromHere(c)
        const token = getCookie(c, COOKIE)
        if (!token) throw refuse('no_credentials', 'Nobody is signed in')
        try {
          return cookies.keep(c, await refreshSession(context, token))
        } catch (error) {
          // What was refused for good will not be accepted later; a database that is away is another matter.
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

/** The cookie is not sent by other sites' pages (SameSite); this refuses those of a sister domain as well. */
function assertFromHere(c: Context<HttpEnv>): void {
  if (!isFromHere(c)) throw refuse('forbidden', 'This origin is not allowed')
}

function createCookies(trusted_hops: number) {
  const attributes = (c: Context<HttpEnv>) =>
    ({
      path: DASHBOARD_BASE + path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: isOverHttps(c, trusted_hops),
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
