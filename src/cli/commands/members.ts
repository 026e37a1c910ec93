import type { Command } from 'commander'
import { type Api, eachItem, type Member } from '#src/client/rest.ts'
import { memberRoles } from '#src/domain/access.ts'
import { choice, define, defineGroup, required } from '../command.ts'
import { CliError } from '../failure.ts'
import { pageOptions, printList } from '../lists.ts'
import { isId, resolveProject, resolveUser } from '../resolve.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

export function addMembers(program: Command): void {
  const members = defineGroup(program, 'members', 'Say who may see and control a project')
  define(members, {
    usage: 'list',
    summary: 'The members of a project; its owner is none of them',
    examples: ['members list --project north-line'],
    options: { ...pageOptions, ...inProject },
    async run(cli, { options }) {
      const project_id = await resolveProject(cli.api, options.project)
      const columns = {
        EMAIL: ({ email }: Member) => email,
        ROLE: ({ role }: Member) => role,
        NAME: ({ full_name }: Member) => full_name ?? '',
        ID: ({ user_id }: Member) => user_id,
      }
      await printList(cli, { columns, options }, (query) => cli.api.members.list(project_id, query))
    },
  })
  define(members, {
    usage: 'set <user>',
    summary: 'Make a user a member, or change its role; by id, or for superusers by e-mail',
    examples: ['members set ada@example.org --role operator --project north-line'],
    options: { role: required(choice('--role <role>', 'what it may do', memberRoles)), ...inProject },
    async run({ api, print }, { args: [reference], options: { role, project } }) {
      const project_id = await resolveProject(api, project)
      const member = await api.members.set(project_id, await resolveUser(api, reference), { role })
      print(member, () => `${toLine(member.email)} is ${member.role} now`)
    },
  })
  define(members, {
    usage: 'remove <user>',
    summary: 'Take a user out of a project, by e-mail or id',
    examples: ['members remove ada@example.org --project north-line'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const answer = await api.members.remove(project_id, await resolveMember(api, project_id, reference))
      print(answer, () => answer.message)
    },
  })
}

async function resolveMember(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = reference.toLowerCase()
  const members = eachItem((page) => api.members.list(project_id, page))
  for await (const { user_id, email } of members) if (email === wanted) return user_id
  throw new CliError('failed', `"${reference}" is no member of the project`, 'see "signalbox members list"')
}
