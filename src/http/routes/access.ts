import { createApiKey, revokeApiKey } from '#src/commands/api-keys.ts'
import { addMember, removeMember, setMember } from '#src/commands/members.ts'
import { type Principal, roleIn } from '#src/domain/access.ts'
import {
  addMemberBody,
  apiKey,
  auditEntry,
  auditQuery,
  createdKey,
  createKeyBody,
  member,
  memberBody,
  ownAccess,
} from '#src/protocol/access.ts'
import { message } from '#src/protocol/agents.ts'
import { pageQuery } from '#src/protocol/resources.ts'
import { listOwnAccess, type OwnAccessRow } from '#src/store/access.ts'
import { listKeys } from '#src/store/api-keys.ts'
import { type AuditRow, listAudit } from '#src/store/audit.ts'
import { listMembers } from '#src/store/members.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Access'
const members = '/projects/{project_id}/members'

/** Members of projects, API keys, and the audit trail of changes to both. */
export function accessRoutes(): Route[] {
  return [ownAccessRoute(), ...memberRoutes(), ...keyRoutes(), auditRoute()]
}

function ownAccessRoute(): Route {
  return defineList({
    path: '/users/me/access',
    operation_id: 'list_own_access',
    summary: 'List your role in each project that you may read, and who owns it',
    tag,
    limit: limits.read,
    access: 'read_self',
    query: pageQuery,
    item: ownAccess,
    description: 'Your roles, those in the newest projects first',
    async read({ context, principal }, range) {
      const listed = await listOwnAccess(context.database, principal, range)
      return { ...listed, rows: listed.rows.map((row) => toOwnAccess(row, principal)) }
    },
  })
}

function toOwnAccess(row: OwnAccessRow, principal: Principal) {
  const { project_id, owner_id, owner_email, owner_name } = row
  return { project_id, role: roleIn(principal, row), owner_id, owner_email, owner_name }
}

function memberRoutes(): Route[] {
  return [
    defineList({
      path: members,
      operation_id: 'list_members',
      summary: 'List the members of a project; the owner is not a member',
      tag,
      limit: limits.read,
      access: 'read_members',
      query: pageQuery,
      item: member,
      description: 'Members, newest first',
      read: ({ context, params: { project_id } }, range) => listMembers(context.database, project_id, range),
    }),
    defineRoute({
      method: 'post',
      path: members,
      operation_id: 'add_member',
      summary: 'Add a member by e-mail, or change its role',
      tag,
      limit: limits.write,
      access: 'manage_members',
      body: addMemberBody,
      success: { status: 200, schema: member, description: 'The member' },
      handle: ({ context, params: { project_id }, principal, body: { email, role } }) =>
        addMember(context, { project_id, email, principal }, role),
    }),
    defineRoute({
      method: 'put',
      path: `${members}/{user_id}`,
      operation_id: 'set_member',
      summary: 'Add a member, or change its role',
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
      summary: 'Remove a member; its open connections lose the project within 5 s',
      tag,
      limit: limits.write,
      access: 'manage_members',
      success: { status: 200, schema: message, description: 'The user is no longer a member' },
      async handle({ context, params, principal }) {
        await removeMember(context, { ...params, principal })
        return { success: true, message: 'The member has been removed' }
      },
    }),
  ]
}

function keyRoutes(): Route[] {
  return [
    defineList({
      path: '/api-keys',
      operation_id: 'list_api_keys',
      summary: 'List your keys, and those of projects that you own',
      tag,
      limit: limits.read,
      access: 'manage_own_keys',
      query: pageQuery,
      item: apiKey,
      description: 'Keys, newest first',
      read({ context, principal }, range) {
        const viewer = { user_id: principal.id, is_superuser: principal.role === 'superuser' }
        return listKeys(context.database, viewer, range)
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api-keys',
      operation_id: 'create_api_key',
      summary: 'Create a key for a project, or for yourself; it is shown only once',
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
      summary: 'Revoke a key; its open connections close within 5 s',
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
  return defineList({
    path: '/audit',
    operation_id: 'list_audit',
    summary: 'List who changed users, members, keys and webhooks, and who signed in',
    tag,
    limit: limits.read,
    access: 'read_audit',
    query: auditQuery,
    item: auditEntry,
    description: 'Entries, newest first',
    async read({ context, query }, range) {
      const listed = await listAudit(context.database, query, range)
      return { ...listed, rows: listed.rows.map(toEntry) }
    },
  })
}

function toEntry({ actor_kind, actor_id, id, at, action, ...rest }: AuditRow) {
  return { id, at, action, actor: { kind: actor_kind, id: actor_id }, ...rest }
}
