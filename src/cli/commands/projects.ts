import type { Command } from 'commander'
import type { Project } from '#src/client/rest/rest.ts'
import { confirmed, define, defineGroup, number, text } from '../command.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveProject } from '../resolve.ts'
import { toFields, toLine } from '../text.ts'

const toText = ({ slug, name, description, id, owner_id, agent_limit, created_at }: Project) =>
  toFields({
    slug,
    name,
    ...(description !== null && { description }),
    id,
    owner: owner_id,
    agents: `at most ${agent_limit}`,
    created: created_at,
  })

export function addProjects(program: Command): void {
  const projects = defineGroup(program, 'projects', 'List, create, change and delete projects')
  define(projects, {
    usage: 'list',
    summary: 'List the projects that you can read, newest first',
    examples: ['projects list', 'projects list --all --json'],
    options: pageOptions,
    run(cli, { options }) {
      const columns = {
        SLUG: ({ slug }: Project) => slug,
        NAME: ({ name }: Project) => name,
        ID: ({ id }: Project) => id,
      }
      return printList(cli, { columns, options }, (query) => cli.api.projects.list(query))
    },
  })
  define(projects, {
    usage: 'get <project>',
    summary: 'Show one project, by slug or id',
    examples: ['projects get north-line'],
    async run({ api, print }, { args: [reference] }) {
      const project = await api.projects.get(await resolveProject(api, reference))
      print(project, () => toText(project))
    },
  })
  addWriters(projects)
}

const described = {
  description: text('--description <text>', 'its purpose'),
  agent_limit: number('--agent-limit <number>', 'agents that may live at once (default: 10000)'),
}

function addWriters(projects: Command): void {
  define(projects, {
    usage: 'create <slug>',
    summary: 'Create a project that you own',
    examples: ['projects create north-line --name "North Line"'],
    options: { name: text('--name <name>', 'its name (default: the slug)'), ...described },
    async run({ api, print }, { args: [slug], options: { name = slug, ...rest } }) {
      const project = await api.projects.create({ slug, name, ...rest })
      print(project, () => toText(project))
    },
  })
  define(projects, {
    usage: 'update <project>',
    summary: 'Change the name, slug, description or limit of a project',
    examples: ['projects update north-line --name "Northern Line"'],
    options: {
      name: text('--name <name>', 'its new name'),
      slug: text('--slug <slug>', 'its new slug'),
      description: text('--description <text>', 'its purpose'),
      agent_limit: number('--agent-limit <number>', 'agents that may live at once'),
    },
    async run({ api, print }, { args: [reference], options }) {
      const project = await api.projects.update(await resolveProject(api, reference), options)
      print(project, () => toText(project))
    },
  })
  define(projects, {
    usage: 'delete <project>',
    summary: 'Delete a project and its log; all its agents must be terminated',
    examples: ['projects delete north-line', 'projects delete north-line --yes'],
    options: confirmed,
    async run({ api, print }, { args: [reference], options: { yes } }) {
      const id = await resolveProject(api, reference)
      await confirm(`Delete the project ${toLine(reference)} with its log? This can't be undone.`, yes)
      const answer = await api.projects.delete(id)
      print(answer, () => answer.message)
    },
  })
}
