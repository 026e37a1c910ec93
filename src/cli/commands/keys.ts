import type { Command } from 'commander'
import type { ApiKey } from '#src/client/rest.ts'
import { keyRoles } from '#src/domain/access.ts'
import { choice, define, defineGroup, duration, required, text } from '../command.ts'
import { pageOptions, printList } from '../lists.ts'
import { resolveKey, resolveProject } from '../resolve.ts'

export function addKeys(program: Command): void {
  const keys = defineGroup(program, 'keys', 'Make and revoke the API keys of programs')
  define(keys, {
    usage: 'list',
    summary: 'Your keys, and those of projects that you own',
    examples: ['keys list'],
    options: pageOptions,
    run(cli, { options }) {
      const columns = {
        NAME: ({ name }: ApiKey) => name,
        ROLE: ({ role }: ApiKey) => role,
        PROJECT: ({ project_id }: ApiKey) => project_id ?? 'all of yours',
        EXPIRES: ({ expires_at }: ApiKey) => expires_at ?? 'never',
        'LAST USED': ({ last_used_at }: ApiKey) => last_used_at ?? 'never',
        ID: ({ id }: ApiKey) => id,
      }
      return printList(cli, { columns, options }, (query) => cli.api.keys.list(query))
    },
  })
  define(keys, {
    usage: 'create <name>',
    summary: 'Make a key; it is printed this once',
    examples: [
      'keys create deploy --role operator --project north-line',
      'keys create fleet --role runtime --project north-line --expires-in 30d',
    ],
    options: {
      role: required(choice('--role <role>', 'what it may do', keyRoles)),
      project: text(
        '-p, --project <project>',
        'where, by slug or id; everywhere you may, where it is not said',
      ),
      expires_in: duration('--expires-in <time>', 'when it ends, such as 30d; never, where it is not said'),
    },
    async run({ api, print, note }, { args: [name], options: { role, project, expires_in } }) {
      const project_id = project === undefined ? null : await resolveProject(api, project)
      const expires_at =
        expires_in === undefined ? null : new Date(Date.now() + expires_in * 1000).toISOString()
      const key = await api.keys.create({ name, role, project_id, expires_at })
      note('This key is shown this once:')
      print(key, () => key.key)
    },
  })
  define(keys, {
    usage: 'revoke <key>',
    summary: 'Revoke a key, by name or id; its connections are closed within 5 s',
    examples: ['keys revoke deploy'],
    async run({ api, print }, { args: [reference] }) {
      const answer = await api.keys.revoke(await resolveKey(api, reference))
      print(answer, () => answer.message)
    },
  })
}
