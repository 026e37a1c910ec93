import type { Command } from 'commander'
import type { Webhook } from '#src/client/rest/rest.ts'
import { type EventName, eventNames } from '#src/domain/events.ts'
import { confirmed, define, defineGroup, flag, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { selecting } from '../labels.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveProject, resolveWebhook } from '../resolve.ts'
import { toFields } from '../text.ts'
import { inProject } from './agents.ts'

function stateOf({ is_active, disabled_at, failing_since }: Webhook): string {
  if (!is_active) return `disabled ${disabled_at ?? ''}`.trim()
  return failing_since === null ? 'active' : `failing since ${failing_since}`
}

const eventsOf = ({ events }: Webhook) => events?.join(',') ?? 'all'

const toText = (webhook: Webhook) =>
  toFields({
    url: webhook.url,
    state: stateOf(webhook),
    events: eventsOf(webhook),
    ...(webhook.selector !== null && { agents: webhook.selector }),
    delivered: `up to ${webhook.cursor}`,
    ...(webhook.last_error !== null && { 'last error': webhook.last_error }),
    id: webhook.id,
  })

const ALL = 'all'
const wanted = text('--events <names>', `event names, separated by commas, or ${ALL}`)

const isEventName = (name: string): name is EventName => eventNames.some((known) => known === name)

function parseEvents(given: string | undefined): EventName[] | null | undefined {
  if (given === undefined || given === ALL) return given === ALL ? null : undefined
  const names = given.split(',').map((name) => name.trim())
  const known = names.filter(isEventName)
  if (known.length === names.length) return known
  const unknown = names.find((name) => !isEventName(name))
  throw new CliError('usage', `"${unknown}" is not an event`, `use ${eventNames.join(', ')}`)
}

export function addWebhooks(program: Command): void {
  const webhooks = defineGroup(program, 'webhooks', 'Send the events of a project to URLs')
  define(webhooks, {
    usage: 'list',
    summary: 'List the webhooks of a project and the state of their deliveries',
    examples: ['webhooks list --project north-line'],
    options: { ...pageOptions, ...inProject },
    async run(cli, { options }) {
      const project_id = await resolveProject(cli.api, options.project)
      const columns = {
        URL: ({ url }: Webhook) => url,
        STATE: stateOf,
        EVENTS: eventsOf,
        DELIVERED: ({ cursor }: Webhook) => String(cursor),
        'LAST ERROR': ({ last_error }: Webhook) => last_error ?? '',
        ID: ({ id }: Webhook) => id,
      }
      await printList(cli, { columns, options }, (query) => cli.api.webhooks.list(project_id, query))
    },
  })
  define(webhooks, {
    usage: 'create <url>',
    summary: 'Send new events to a URL; prints the signing secret, only once',
    examples: [
      'webhooks create https://example.org/signalbox',
      'webhooks create https://example.org/signalbox --events agent.terminated,agent.budget_exceeded',
      'webhooks create https://example.org/signalbox -l team=search',
    ],
    options: { events: wanted, ...selecting, ...inProject },
    async run({ api, print, note }, { args: [url], options: { events, selector, project } }) {
      const body = { url, events: parseEvents(events), selector }
      const made = await api.webhooks.create(await resolveProject(api, project), body)
      note('This secret is shown only once:')
      print(made, () => made.secret)
    },
  })
  addWriters(webhooks)
}

function addWriters(webhooks: Command): void {
  define(webhooks, {
    usage: 'update <webhook>',
    summary: 'Change a webhook, by id or URL; --enable retries at once',
    examples: [
      'webhooks update https://example.org/signalbox --enable',
      'webhooks update https://example.org/signalbox --to https://example.org/new --events all',
    ],
    options: {
      to: text('--to <url>', 'its new URL'),
      events: wanted,
      ...selecting,
      enable: flag('--enable', 'send events again, from the last delivered one'),
      disable: flag('--disable', 'stop sending events'),
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options }) {
      const { to, events, selector, enable, disable, project } = options
      if (enable && disable) throw new CliError('usage', 'Use --enable or --disable, not both')
      const project_id = await resolveProject(api, project)
      const webhook = await api.webhooks.update(
        project_id,
        await resolveWebhook(api, project_id, reference),
        {
          url: to,
          events: parseEvents(events),
          selector,
          is_active: enable || disable ? enable : undefined,
        },
      )
      print(webhook, () => toText(webhook))
    },
  })
  define(webhooks, {
    usage: 'test <webhook>',
    summary: 'Send a test to a webhook, by id or URL, and say what the receiver answers',
    examples: ['webhooks test https://example.org/signalbox'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const test = await api.webhooks.test(project_id, await resolveWebhook(api, project_id, reference))
      print(test, () =>
        test.delivered ? `Delivered: answered ${test.status}` : `Not delivered: ${test.error}`,
      )
      if (!test.delivered) process.exitCode = 1
    },
  })
  define(webhooks, {
    usage: 'delete <webhook>',
    summary: 'Delete a webhook, by id or URL',
    examples: ['webhooks delete https://example.org/signalbox'],
    options: { ...confirmed, ...inProject },
    async run({ api, print }, { args: [reference], options: { project, yes } }) {
      const project_id = await resolveProject(api, project)
      const webhook_id = await resolveWebhook(api, project_id, reference)
      await confirm(`Delete the webhook ${reference}? This can't be undone.`, yes)
      const answer = await api.webhooks.delete(project_id, webhook_id)
      print(answer, () => answer.message)
    },
  })
  define(webhooks, {
    usage: 'rotate <webhook>',
    summary: 'Create a new secret, printed only once; the old one also signs for 24 hours',
    examples: ['webhooks rotate https://example.org/signalbox'],
    options: inProject,
    async run({ api, print, note }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const made = await api.webhooks.rotateSecret(
        project_id,
        await resolveWebhook(api, project_id, reference),
      )
      note('This secret is shown only once:')
      print(made, () => made.secret)
    },
  })
}
