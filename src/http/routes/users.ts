import { createUser, updateOwnUser, updateUser } from '#src/commands/users.ts'
import { notFound } from '#src/domain/errors.ts'
import { createUserBody, pageQuery, updateMeBody, updateUserBody, user } from '#src/protocol/resources.ts'
import { findUser, listUsers, type User } from '#src/store/users.ts'
import { limits } from '../bounds.ts'
import type { HttpContext } from '../context.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Users'
const oneUser = { status: 200, schema: user, description: 'The user' } as const

export function userRoutes(): Route[] {
  return [...ownRoutes(), ...managedRoutes()]
}

function ownRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/users/me',
      operation_id: 'get_me',
      summary: 'Read your own user',
      tag,
      limit: limits.read,
      access: 'read_self',
      success: oneUser,
      handle: ({ context, principal }) => readUser(context, principal.id),
    }),
    defineRoute({
      method: 'patch',
      path: '/users/me',
      operation_id: 'update_me',
      summary: 'Change your name or password',
      tag,
      limit: limits.write,
      access: 'update_self',
      body: updateMeBody,
      success: oneUser,
      async handle({ context, principal: { id, session_id }, body, c }) {
        const address = c.get('address')
        const update = () => updateOwnUser(context, { id, address, session_id }, body)
        if (body.password === undefined) return update()
        const { email } = await readUser(context, id)
        return context.limitSignIn({ email, address }, update)
      },
    }),
  ]
}

function managedRoutes(): Route[] {
  return [
    defineList({
      path: '/users',
      operation_id: 'list_users',
      summary: 'List users',
      tag,
      limit: limits.read,
      access: 'manage_users',
      query: pageQuery,
      item: user,
      description: 'Users, newest first',
      read: ({ context }, range) => listUsers(context.database, range),
    }),
    defineRoute({
      method: 'post',
      path: '/users',
      operation_id: 'create_user',
      summary: 'Create a user',
      tag,
      limit: limits.write,
      access: 'manage_users',
      body: createUserBody,
      success: { status: 201, schema: user, description: 'The new user' },
      handle: ({ context, principal, body }) => createUser(context, principal, body),
    }),
    defineRoute({
      method: 'get',
      path: '/users/{id}',
      operation_id: 'get_user',
      summary: 'Read a user',
      tag,
      limit: limits.read,
      access: 'manage_users',
      success: oneUser,
      handle({ context, params }) {
        return readUser(context, params.id)
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/users/{id}',
      operation_id: 'update_user',
      summary: 'Change, deactivate or promote a user',
      tag,
      limit: limits.write,
      access: 'manage_users',
      body: updateUserBody,
      success: oneUser,
      handle: ({ context, principal, params, body }) =>
        updateUser(context, { id: params.id, principal }, body),
    }),
  ]
}

async function readUser({ database }: HttpContext, id: string): Promise<User> {
  const found = await findUser(database, id)
  if (!found) throw notFound.user(id)
  return found
}
