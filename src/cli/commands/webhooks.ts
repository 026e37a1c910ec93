import type { Command } from 'commander'
import type { Webhook } from '#src/client/rest.ts'
import { type EventName, eventNames } from '#src/domain/events.ts'
import { define, defineGroup, flag, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { pageOptions, printList } from '../lists.ts'
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
    delivered: `up to ${webhook.cursor}`,
    ...(webhook.last_error !== null && { 'last error': webhook.last_error }),
    id: webhook.id,
  })

const ALL = 'all'
const wanted = text('--events <names>', `which, separated by commas; ${ALL} for all`)

const isEventName = (name: string): name is EventName => eventNames.some((known) => known === name)

function parseEvents(given: string | undefined): EventName[] | null | undefined {
  if (given === undefined || given === ALL) return given === ALL ? null : undefined
  const names = given.split(',').map((name) => name.trim())
  const known = names.filter(isEventName)
  if (known.length === names.length) return known
  const stranger = names.find((name) => !isEventName(name))
  throw new CliError('usage', `"${stranger}" is no event`, `there are ${eventNames.join(', ')}`)
}

export function addWebhooks(program: Command): void {
  const webhooks = defineGroup(program, 'webhooks', 'Have the events of a project sent to a URL')
  define(webhooks, {
    usage: 'list',
    summary: 'The webhooks of a project, and how their deliveries stand',
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
    summary: 'Send the events from now on to a URL; the secret that signs them is printed this once',
    examples: [
      'webhooks create https://example.org/signalbox',
      'webhooks create https://example.org/signalbox --events agent.terminated,agent.budget_exceeded',
    ],
    options: { events: wanted, ...inProject },
    async run({ api, print, note }, { args: [url], options: { events, project } }) {
      const body = { url, events: parseEvents(events) }
      const made = await api.webhooks.create(await resolveProject(api, project), body)
      note('This secret is shown this once:')
      print(made, () => made.secret)
    },
  })
  addWriters(webhooks)
}

function addWriters(webhooks: Command): void {
  define(webhooks, {
    usage: 'update <webhook>',
    summary: 'Change a webhook, by id or URL; --enable tries again at once',
    examples: [
      'webhooks update https://example.org/signalbox --enable',
      'webhooks update https://example.org/signalbox --to https://example.org/new --events all',
    ],
    options: {
      to: text('--to <url>', 'where it sends from now on'),
      events: wanted,
      enable: flag('--enable', 'send, from where it stands'),
      disable: flag('--disable', 'send no more'),
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options: { to, events, enable, disable, project } }) {
      if (enable && disable) throw new CliError('usage', 'Say --enable or --disable, not both')
      const project_id = await resolveProject(api, project)
      const webhook = await api.webhooks.update(
        project_id,
        await resolveWebhook(api, project_id, reference),
        {
          url: to,
          events: parseEvents(events),
          is_active: enable || disable ? enable : undefined,
        },
      )
      print(webhook, () => toText(webhook))
    },
  })
  define(webhooks, {
    usage: 'delete <webhook>',
    summary: 'Delete a webhook, by id or URL',
    examples: ['webhooks delete https://example.org/signalbox'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const answer = await api.webhooks.delete(project_id, await resolveWebhook(api, project_id, reference))
      print(answer, () => answer.message)
    },
  })
  define(webhooks, {
    usage: 'rotate <webhook>',
    summary: 'Make a new secret, printed this once; the old one signs too for 24 hours',
    examples: ['webhooks rotate https://example.org/signalbox'],
    options: inProject,
    async run({ api, print, note }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const made = await api.webhooks.rotateSecret(
        project_id,
        await resolveWebhook(api, project_id, reference),
      )
      note('This secret is shown this once:')
      print(made, () => made.secret)
    },
  })
}
