import type { Command } from 'commander'
import { createApi } from '#src/client/rest/rest.ts'
import type { Cli } from '../cli.ts'
import { define, flag, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { ask, canAsk, readPassword } from '../prompt.ts'
import { toFields, toLine } from '../text.ts'

export function addSession(program: Command): void {
  define(program, {
    usage: 'login',
    summary: 'Sign in for 7 days; asks for the password, and never stores it',
    examples: [
      'login --email you@example.org',
      'login --email you@example.org --password-stdin < password.txt',
    ],
    options: {
      email: text('--email <address>', 'your e-mail (default: asks for it)'),
      fromStdin: flag('--password-stdin', 'read the password from stdin'),
    },
    async run(cli, { options: { email, fromStdin } }) {
      const pair = await signIn(cli, email, fromStdin)
      await cli.credentials.save(cli.url, pair)
      cli.print(pair.user, () => `Signed in to ${cli.url} as ${toLine(pair.user.email)}`)
    },
  })
  define(program, {
    usage: 'logout',
    summary: 'End the session on this machine and on the server',
    examples: ['logout'],
    run: (cli) => signOut(cli),
  })
  define(program, {
    usage: 'whoami',
    summary: 'Show the signed-in user and the server',
    examples: ['whoami'],
    async run({ api, url, print }) {
      const user = await api.users.me()
      const kind = user.is_superuser ? 'superuser' : 'user'
      print(user, () => toFields({ email: user.email, kind, id: user.id, server: url }))
    },
  })
}

async function signIn({ url }: Cli, given: string | undefined, fromStdin: boolean) {
  if (given === undefined && !canAsk()) throw new CliError('usage', 'Give your e-mail with --email')
  const email = given ?? (await ask('E-mail: '))
  const password = await readPassword(`Password of ${email} at ${url}: `, fromStdin)
  return createApi({ url }).auth.login({ email, password })
}

/** Forgets the session here first, so that this machine is signed out even if the server cannot be reached. */
async function signOut({ url, credentials, print }: Cli): Promise<void> {
  const session = credentials.session(url)
  if (!session) throw new CliError('signed_out', `You are not signed in to ${url}`)
  await credentials.forget(url)
  const answer = await createApi({ url }).auth.logout({ refresh_token: session.refresh_token })
  print(answer, () => `Signed out of ${url}`)
}
