import { toUser } from '#src/commands/user-view.ts'
import { createUser, updateOwnUser, updateUser } from '#src/commands/users.ts'
import { notFound } from '#src/domain/errors.ts'
import {
  createUserBody,
  pageOf,
  pageQuery,
  updateMeBody,
  updateUserBody,
  user,
} from '#src/protocol/resources.ts'
import { UserEntity } from '#src/store/entities/index.ts'
import type { HttpContext } from '../context.ts'
import { newestFirst, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

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
      summary: 'The signed-in user',
      tag,
      limit: limits.read,
      access: 'read_self',
      success: oneUser,
      handle: ({ context, principal }) => findUser(context, principal.id),
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
      handle: ({ context, principal, body }) => updateOwnUser(context, principal.id, body),
    }),
  ]
}

function managedRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/users',
      operation_id: 'list_users',
      summary: 'List users',
      tag,
      limit: limits.read,
      access: 'manage_users',
      query: pageQuery,
      success: { status: 200, schema: pageOf(user), description: 'One page of users, newest first' },
      async handle({ context, query }) {
        const [users, total] = await context.orm.em.fork().findAndCount(UserEntity, {}, newestFirst(query))
        return paginated(users.map(toUser), { ...query, total })
      },
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
      summary: 'One user',
      tag,
      limit: limits.read,
      access: 'manage_users',
      success: oneUser,
      handle({ context, params }) {
        return findUser(context, params.id)
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

async function findUser({ orm }: HttpContext, id: string) {
  const found = await orm.em.fork().findOne(UserEntity, id)
  if (!found) throw notFound.user(id)
  return toUser(found)
}
