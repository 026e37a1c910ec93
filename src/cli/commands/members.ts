import type { Command } from 'commander'
import { type Api, eachItem, type Member } from '#src/client/rest/rest.ts'
import { memberRoles } from '#src/domain/access.ts'
import { isId } from '#src/domain/id.ts'
import { fold } from '#src/domain/text.ts'
import { choice, confirmed, define, defineGroup, required } from '../command.ts'
import { CliError } from '../failure.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveProject } from '../resolve.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

export function addMembers(program: Command): void {
  const members = defineGroup(program, 'members', 'Manage who may watch and control a project')
  define(members, {
    usage: 'list',
    summary: 'List the members of a project, without its owner',
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
    summary: 'Add a member or change a role, by e-mail or user id',
    examples: ['members set ada@example.org --role operator --project north-line'],
    options: { role: required(choice('--role <role>', 'what the member may do', memberRoles)), ...inProject },
    async run({ api, print }, { args: [reference], options: { role, project } }) {
      const project_id = await resolveProject(api, project)
      const member = isId(reference)
        ? await api.members.set(project_id, reference, { role })
        : await api.members.add(project_id, { email: reference, role })
      print(member, () => `${toLine(member.email)} is now ${member.role}`)
    },
  })
  define(members, {
    usage: 'remove <user>',
    summary: 'Remove a member from a project, by e-mail or id',
    examples: ['members remove ada@example.org --project north-line'],
    options: { ...confirmed, ...inProject },
    async run({ api, print }, { args: [reference], options: { project, yes } }) {
      const project_id = await resolveProject(api, project)
      const user_id = await resolveMember(api, project_id, reference)
      await confirm(`Remove ${reference} from the project?`, yes)
      const answer = await api.members.remove(project_id, user_id)
      print(answer, () => answer.message)
    },
  })
}

async function resolveMember(api: Api, project_id: string, reference: string): Promise<string> {
  if (isId(reference)) return reference
  const wanted = fold(reference)
  const members = eachItem((page) => api.members.list(project_id, page))
  for await (const { user_id, email } of members) if (email === wanted) return user_id
  throw new CliError(
    'failed',
    `"${reference}" is not a member of the project`,
    'see "signalbox members list"',
  )
}
