import { createWebhook, deleteWebhook, rotateWebhookSecret, updateWebhook } from '#src/commands/webhooks.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { pageQuery } from '#src/protocol/resources.ts'
import {
  createdWebhook,
  createWebhookBody,
  updateWebhookBody,
  webhook,
  webhookSecret,
  webhookTest,
} from '#src/protocol/webhooks.ts'
import { findWebhook, listWebhooks } from '#src/store/webhooks.ts'
import { limits } from '../bounds.ts'
import { originOf } from '../client-address.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Webhooks'
const access = 'manage_webhooks'
const inProject = '/projects/{project_id}/webhooks'
const ofWebhook = '/projects/{project_id}/webhooks/{webhook_id}'
const oneWebhook = { status: 200, schema: webhook, description: 'The webhook' } as const

/** The event log for receivers that cannot hold a connection: Signalbox calls them. */
export function webhookRoutes(trustedHops: number): Route[] {
  return [...readRoutes(), ...writeRoutes(trustedHops), secretRoute(), testRoute()]
}

function readRoutes(): Route[] {
  return [
    defineList({
      path: inProject,
      operation_id: 'list_webhooks',
      summary: 'List the webhooks of a project and the state of their deliveries',
      tag,
      limit: limits.read,
      access,
      query: pageQuery,
      item: webhook,
      description: 'Webhooks, newest first',
      read: ({ context, params: { project_id } }, range) => listWebhooks(context.database, project_id, range),
    }),
    defineRoute({
      method: 'get',
      path: ofWebhook,
      operation_id: 'get_webhook',
      summary: 'Get a webhook',
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

function writeRoutes(trustedHops: number): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'create_webhook',
      summary: 'Send the events from now on to a URL; only this answer shows the secret that signs them',
      tag,
      limit: limits.write,
      access,
      body: createWebhookBody,
      answers_secret: true,
      success: { status: 201, schema: createdWebhook, description: 'The webhook, with its secret' },
      handle: ({ context, principal, params, body, c }) =>
        createWebhook(context, { ...params, principal, origin: originOf(c, trustedHops) }, body),
    }),
    defineRoute({
      method: 'patch',
      path: ofWebhook,
      operation_id: 'update_webhook',
      summary: 'Change the URL, the events or the format of a webhook; is_active true tries again at once',
      tag,
      limit: limits.write,
      access,
      body: updateWebhookBody,
      success: oneWebhook,
      handle: ({ context, principal, params, body, c }) =>
        updateWebhook(context, { ...params, principal, origin: originOf(c, trustedHops) }, body),
    }),
    defineRoute({
      method: 'delete',
      path: ofWebhook,
      operation_id: 'delete_webhook',
      summary: 'Delete a webhook',
      tag,
      limit: limits.write,
      access,
      success: { status: 200, schema: message, description: 'The webhook has been deleted' },
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
    summary: 'Create a new secret, which only this answer shows; the old one signs too for 24 hours',
    tag,
    limit: limits.write,
    access,
    answers_secret: true,
    success: { status: 200, schema: webhookSecret, description: 'The new secret' },
    handle: ({ context, principal, params }) => rotateWebhookSecret(context, { ...params, principal }),
  })
}

function testRoute(): Route {
  return defineRoute({
    method: 'post',
    path: `${ofWebhook}/test`,
    operation_id: 'test_webhook',
    summary: 'Send one signed request that says it is a test, and get what the receiver answers',
    description: 'It changes neither the position of the webhook nor the state of its deliveries.',
    tag,
    limit: limits.write,
    access,
    calls_out: true,
    success: { status: 200, schema: webhookTest, description: 'What has come of it' },
    handle: ({ context, principal, params }) => context.webhookTests.run({ ...params, principal }),
  })
}
