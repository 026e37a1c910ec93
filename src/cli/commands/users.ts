import type { Command } from 'commander'
import type { User } from '#src/client/rest/rest.ts'
import { choice, define, defineGroup, defineLocal, flag, text } from '../command.ts'
import { pageOptions, printList } from '../lists.ts'
import { runLocally } from '../local.ts'
import { readPassword } from '../prompt.ts'
import { resolveUser } from '../resolve.ts'
import { toFields } from '../text.ts'

const yesOrNo = ['yes', 'no'] as const
const toBoolean = (answer: 'yes' | 'no' | undefined) => (answer === undefined ? undefined : answer === 'yes')

const toText = ({ email, full_name, is_active, is_superuser, id, created_at }: User) =>
  toFields({
    email,
    ...(full_name !== null && { name: full_name }),
    active: is_active ? 'yes' : 'no',
    superuser: is_superuser ? 'yes' : 'no',
    id,
    created: created_at,
  })

export function addUsers(program: Command): void {
  const users = defineGroup(program, 'users', 'Manage the users who can sign in (superusers only)')
  define(users, {
    usage: 'list',
    summary: 'List all users, newest first',
    examples: ['users list'],
    options: pageOptions,
    run(cli, { options }) {
      const columns = {
        EMAIL: ({ email }: User) => email,
        NAME: ({ full_name }: User) => full_name ?? '',
        ACTIVE: ({ is_active }: User) => (is_active ? 'yes' : 'no'),
        SUPERUSER: ({ is_superuser }: User) => (is_superuser ? 'yes' : 'no'),
        ID: ({ id }: User) => id,
      }
      return printList(cli, { columns, options }, (query) => cli.api.users.list(query))
    },
  })
  addWriters(users)
  defineLocal(users, {
    usage: 'reset-superuser [email]',
    summary: "Give a superuser a new random password; run it on the server's machine with its variables",
    examples: ['users reset-superuser', 'users reset-superuser ada@example.org'],
    run: ({ args: [email] }) => resetSuperuser(email),
  })
}

/** Without an e-mail it resets the oldest superuser; a named user becomes a superuser. */
async function resetSuperuser(given: string | undefined): Promise<void> {
  const { email, password } = await runLocally(async ({ config, watch }) => {
    const { resetSuperuserPassword } = await import('#src/server/superuser.ts')
    return resetSuperuserPassword(config, watch, given?.toLowerCase())
  })
  console.log(`The superuser ${email} has the password ${password}\nThe password is shown only once.`)
}

function addWriters(users: Command): void {
  define(users, {
    usage: 'create <email>',
    summary: 'Create a user; asks for the password',
    examples: [
      'users create ada@example.org --name "Ada Lovelace"',
      'users create ada@example.org --password-stdin < password.txt',
    ],
    options: {
      name: text('--name <name>', 'the full name'),
      superuser: flag('--superuser', 'with all rights'),
      fromStdin: flag('--password-stdin', 'read the password from stdin'),
    },
    async run({ api, print }, { args: [email], options: { name, superuser, fromStdin } }) {
      const password = await readPassword(`Password of ${email}: `, fromStdin)
      const user = await api.users.create({ email, password, full_name: name, is_superuser: superuser })
      print(user, () => toText(user))
    },
  })
  define(users, {
    usage: 'update <user>',
    summary: 'Rename, deactivate or promote a user, by e-mail or id',
    examples: ['users update ada@example.org --active no', 'users update ada@example.org --superuser yes'],
    options: {
      name: text('--name <name>', 'the full name'),
      active: choice('--active <answer>', 'whether the user can sign in', yesOrNo),
      superuser: choice('--superuser <answer>', 'whether the user has all rights', yesOrNo),
    },
    async run({ api, print }, { args: [reference], options: { name, active, superuser } }) {
      const change = { full_name: name, is_active: toBoolean(active), is_superuser: toBoolean(superuser) }
      const user = await api.users.update(await resolveUser(api, reference), change)
      print(user, () => toText(user))
    },
  })
}
