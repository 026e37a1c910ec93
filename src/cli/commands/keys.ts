import type { Command } from 'commander'
import type { ApiKey } from '#src/client/rest/rest.ts'
import { keyRoles } from '#src/domain/access.ts'
import { choice, confirmed, define, defineGroup, duration, required, text } from '../command.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveKey, resolveProject } from '../resolve.ts'

export function addKeys(program: Command): void {
  const keys = defineGroup(program, 'keys', 'Create, list and revoke API keys')
  define(keys, {
    usage: 'list',
    summary: 'List your keys, and the keys of projects that you own',
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
    summary: 'Create a key, which is printed only once',
    examples: [
      'keys create deploy --role operator --project north-line',
      'keys create fleet --role runtime --project north-line --expires-in 30d',
    ],
    options: {
      role: required(choice('--role <role>', 'what the key may do', keyRoles)),
      project: text(
        '-p, --project <project>',
        'only in this project, by slug or id (default: all your projects)',
      ),
      expires_in: duration('--expires-in <time>', 'its lifetime, such as 30d (default: no end)'),
    },
    async run({ api, print, note }, { args: [name], options: { role, project, expires_in } }) {
      const project_id = project === undefined ? null : await resolveProject(api, project)
      const expires_at =
        expires_in === undefined ? null : new Date(Date.now() + expires_in * 1000).toISOString()
      const key = await api.keys.create({ name, role, project_id, expires_at })
      note('This key is shown only once:')
      print(key, () => key.key)
    },
  })
  define(keys, {
    usage: 'revoke <key>',
    summary: 'Revoke a key, by name or id; its connections are closed within 5 s',
    examples: ['keys revoke deploy', 'keys revoke deploy --yes'],
    options: confirmed,
    async run({ api, print }, { args: [reference], options: { yes } }) {
      const id = await resolveKey(api, reference)
      await confirm(`Revoke the key ${reference}? This can't be undone.`, yes)
      const answer = await api.keys.revoke(id)
      print(answer, () => answer.message)
    },
  })
}
