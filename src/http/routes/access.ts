import { createApiKey, revokeApiKey } from '#src/commands/api-keys.ts'
import { removeMember, setMember } from '#src/commands/members.ts'
import { apiKey, auditEntry, createdKey, createKeyBody, member, memberBody } from '#src/protocol/access.ts'
import { message } from '#src/protocol/agents.ts'
import { pageOf, pageQuery } from '#src/protocol/resources.ts'
import { listKeys } from '#src/store/api-keys.ts'
import { AuditEntryEntity } from '#src/store/entities/index.ts'
import { listMembers } from '#src/store/members.ts'
import { offsetOf, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Access'
const members = '/projects/{project_id}/members'

/** Who may do what: members of projects, API keys, and the trail of changes to both. */
export function accessRoutes(): Route[] {
  return [...memberRoutes(), ...keyRoutes(), auditRoute()]
}

function memberRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: members,
      operation_id: 'list_members',
      summary: 'The members of a project; its owner is none of them',
      tag,
      limit: limits.read,
      access: 'read_members',
      query: pageQuery,
      success: { status: 200, schema: pageOf(member), description: 'One page of members, newest first' },
      async handle({ context, params: { project_id }, query }) {
        const page = { limit: query.limit, offset: offsetOf(query) }
        const { rows, total } = await listMembers(context.database, project_id, page)
        return paginated(rows, { ...query, total })
      },
    }),
    defineRoute({
      method: 'put',
      path: `${members}/{user_id}`,
      operation_id: 'set_member',
      summary: 'Make a user a member, or change its role',
      tag,
      limit: limits.write,
      access: 'manage_members',
      body: memberBody,
      success: { status: 200, schema: member, description: 'The member' },
      handle: ({ context, params, principal, body }) =>
        setMember(context, { ...params, principal }, body.role),
    }),
    defineRoute({
      method: 'delete',
      path: `${members}/{user_id}`,
      operation_id: 'remove_member',
      summary: 'Take a user out of a project; its open connections lose it within 5 s',
      tag,
      limit: limits.write,
      access: 'manage_members',
      success: { status: 200, schema: message, description: 'The user is no member any more' },
      async handle({ context, params, principal }) {
        await removeMember(context, { ...params, principal })
        return { success: true, message: 'The member has been removed' }
      },
    }),
  ]
}

function keyRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api-keys',
      operation_id: 'list_api_keys',
      summary: 'Your keys, and those of projects that you own',
      tag,
      limit: limits.read,
      access: 'manage_own_keys',
      query: pageQuery,
      success: { status: 200, schema: pageOf(apiKey), description: 'One page of keys, newest first' },
      async handle({ context, principal, query }) {
        const viewer = { user_id: principal.id, is_superuser: principal.role === 'superuser' }
        const page = { limit: query.limit, offset: offsetOf(query) }
        const { rows, total } = await listKeys(context.database, viewer, page)
        return paginated(rows, { ...query, total })
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api-keys',
      operation_id: 'create_api_key',
      summary: 'Make a key of a project, or of your own; it is shown this once',
      tag,
      limit: limits.write,
      access: 'manage_own_keys',
      body: createKeyBody,
      answers_secret: true,
      success: { status: 201, schema: createdKey, description: 'The key' },
      handle: ({ context, principal, body }) => createApiKey(context, principal, body),
    }),
    defineRoute({
      method: 'delete',
      path: '/api-keys/{id}',
      operation_id: 'revoke_api_key',
      summary: 'Revoke a key; its open connections are closed within 5 s',
      tag,
      limit: limits.write,
      access: 'manage_own_keys',
      success: { status: 200, schema: message, description: 'The key is revoked' },
      async handle({ context, principal, params }) {
        const name = await revokeApiKey(context, principal, params.id)
        return { success: true, message: `API key '${name}' has been revoked` }
      },
    }),
  ]
}

function auditRoute(): Route {
  return defineRoute({
    method: 'get',
    path: '/audit',
    operation_id: 'list_audit',
    summary: 'Who changed users, members, keys and webhooks, and who signed in',
    tag,
    limit: limits.read,
    access: 'read_audit',
    query: pageQuery,
    success: { status: 200, schema: pageOf(auditEntry), description: 'One page of entries, newest first' },
    async handle({ context, query }) {
      const [found, total] = await context.orm.em
        .fork()
        .findAndCount(
          AuditEntryEntity,
          {},
          { limit: query.limit, offset: offsetOf(query), orderBy: [{ at: 'desc' }, { id: 'desc' }] },
        )
      const entries = found.map(
        ({ id, at, action, actor_kind, actor_id, target_id, project_id, details }) => ({
          id,
          at,
          action,
          actor: { kind: actor_kind, id: actor_id },
          target_id,
          project_id,
          details,
        }),
      )
      return paginated(entries, { ...query, total })
    },
  })
}
