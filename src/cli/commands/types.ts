import type { Command } from 'commander'
import type { AgentType } from '#src/client/rest/rest.ts'
import { define, defineGroup, text } from '../command.ts'
import { pageOptions, printList } from '../lists.ts'
import { resolveType } from '../resolve.ts'
import { toFields } from '../text.ts'

export function addTypes(program: Command): void {
  const types = defineGroup(program, 'types', 'List, create and deactivate agent types')
  define(types, {
    usage: 'list',
    summary: 'List all types, newest first',
    examples: ['types list'],
    options: pageOptions,
    run(cli, { options }) {
      const columns = {
        SLUG: ({ slug }: AgentType) => slug,
        NAME: ({ name }: AgentType) => name,
        ACTIVE: ({ is_active }: AgentType) => (is_active ? 'yes' : 'no'),
        ID: ({ id }: AgentType) => id,
      }
      return printList(cli, { columns, options }, (query) => cli.api.agentTypes.list(query))
    },
  })
  define(types, {
    usage: 'create <slug>',
    summary: 'Create a type (superusers only)',
    examples: ['types create driver --name Driver'],
    options: {
      name: text('--name <name>', 'its name (default: the slug)'),
      description: text('--description <text>', 'what its agents do'),
    },
    async run({ api, print }, { args: [slug], options: { name = slug, description } }) {
      const type = await api.agentTypes.create({ slug, name, description })
      print(type, () => toFields({ slug: type.slug, name: type.name, id: type.id }))
    },
  })
  define(types, {
    usage: 'deactivate <type>',
    summary: 'Stop new agents of a type; existing ones stay (superusers only)',
    examples: ['types deactivate driver'],
    async run({ api, print }, { args: [reference] }) {
      const answer = await api.agentTypes.deactivate(await resolveType(api, reference))
      print(answer, () => answer.message)
    },
  })
}
