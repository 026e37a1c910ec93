import { refreshSession, signIn, signOut } from '#src/commands/sessions.ts'
import { message } from '#src/protocol/agents.ts'
import { loginBody, refreshBody, tokenPair } from '#src/protocol/resources.ts'
import { limits } from '../bounds.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Sign-in'

export function authRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/auth/login',
      operation_id: 'login',
      summary: 'Sign in with an e-mail address and a password',
      tag,
      limit: limits.login,
      access: 'public',
      body: loginBody,
      success: { status: 200, schema: tokenPair, description: 'An access token and a refresh token' },
      handle({ context, body, c }) {
        const attempt = { ...body, address: c.get('address') }
        return context.limitSignIn(attempt, () => signIn(context, attempt))
      },
    }),
    defineRoute({
      method: 'post',
      path: '/auth/refresh',
      operation_id: 'refresh',
      summary: 'Exchange a refresh token for a new pair of tokens',
      tag,
      limit: limits.refresh,
      access: 'public',
      body: refreshBody,
      success: { status: 200, schema: tokenPair, description: 'A new pair; the old refresh token is spent' },
      handle: ({ context, body }) => refreshSession(context, body.refresh_token),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/logout',
      operation_id: 'logout',
      summary: 'Sign out: revoke the session of a refresh token',
      tag,
      limit: limits.write,
      access: 'public',
      body: refreshBody,
      success: { status: 200, schema: message, description: 'The session is revoked' },
      async handle({ context, body }) {
        await signOut(context, body.refresh_token)
        return { success: true, message: 'Signed out' }
      },
    }),
  ]
}
