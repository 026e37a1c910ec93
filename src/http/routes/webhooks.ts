import { createWebhook, deleteWebhook, rotateWebhookSecret, updateWebhook } from '#src/commands/webhooks.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { pageOf, pageQuery } from '#src/protocol/resources.ts'
import {
  createdWebhook,
  createWebhookBody,
  updateWebhookBody,
  webhook,
  webhookSecret,
} from '#src/protocol/webhooks.ts'
import { findWebhook, listWebhooks } from '#src/store/webhooks.ts'
import { offsetOf, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Webhooks'
const access = 'manage_webhooks'
const inProject = '/projects/{project_id}/webhooks'
const ofWebhook = '/projects/{project_id}/webhooks/{webhook_id}'
const oneWebhook = { status: 200, schema: webhook, description: 'The webhook' } as const

/** The event log for those who cannot hold a connection: Signalbox calls them. */
export function webhookRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes(), secretRoute()]
}

function readRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: inProject,
      operation_id: 'list_webhooks',
      summary: 'The webhooks of a project, and how their deliveries stand',
      tag,
      limit: limits.read,
      access,
      query: pageQuery,
      success: { status: 200, schema: pageOf(webhook), description: 'One page of webhooks, newest first' },
      async handle({ context, params: { project_id }, query }) {
        const page = { limit: query.limit, offset: offsetOf(query) }
        const { rows, total } = await listWebhooks(context.database, project_id, page)
        return paginated(rows, { ...query, total })
      },
    }),
    defineRoute({
      method: 'get',
      path: ofWebhook,
      operation_id: 'get_webhook',
      summary: 'One webhook',
      tag,
      limit: limits.read,
      access,
      success: oneWebhook,
      async handle({ context, params }) {
        const found = await findWebhook(context.database, params)
        if (!found) throw notFound.webhook(params.webhook_id, params.project_id)
        return found
      },
    }),
  ]
}

function writeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'create_webhook',
      summary: 'Have the events from now on sent to a URL; the secret that signs them is shown this once',
      tag,
      limit: limits.write,
      access,
      body: createWebhookBody,
      answers_secret: true,
      success: { status: 201, schema: createdWebhook, description: 'The webhook, with its secret' },
      handle: ({ context, principal, params, body }) =>
        createWebhook(context, { ...params, principal }, body),
    }),
    defineRoute({
      method: 'patch',
      path: ofWebhook,
      operation_id: 'update_webhook',
      summary: 'Change where events are sent and which; is_active true tries again at once',
      tag,
      limit: limits.write,
      access,
      body: updateWebhookBody,
      success: oneWebhook,
      handle: ({ context, principal, params, body }) =>
        updateWebhook(context, { ...params, principal }, body),
    }),
    defineRoute({
      method: 'delete',
      path: ofWebhook,
      operation_id: 'delete_webhook',
      summary: 'Delete a webhook',
      tag,
      limit: limits.write,
      access,
      success: { status: 200, schema: message, description: 'The webhook is gone' },
      async handle({ context, principal, params }) {
        await deleteWebhook(context, { ...params, principal })
        return { success: true, message: 'The webhook has been deleted' }
      },
    }),
  ]
}

function secretRoute(): Route {
  return defineRoute({
    method: 'post',
    path: `${ofWebhook}/secret`,
    operation_id: 'rotate_webhook_secret',
    summary: 'Make a new secret, which is shown this once; the old one signs too for 24 hours',
    tag,
    limit: limits.write,
    access,
    answers_secret: true,
    success: { status: 200, schema: webhookSecret, description: 'The new secret' },
    handle: ({ context, principal, params }) => rotateWebhookSecret(context, { ...params, principal }),
  })
}
