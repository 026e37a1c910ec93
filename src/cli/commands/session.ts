import type { Command } from 'commander'
import { createApi } from '#src/client/rest.ts'
import type { Cli } from '../cli.ts'
import { define, flag, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { ask, canAsk, readPassword } from '../prompt.ts'
import { toFields, toLine } from '../text.ts'

export function addSession(program: Command): void {
  define(program, {
    usage: 'login',
    summary: 'Sign in, and stay so for 7 days; the password is asked for, and kept nowhere',
    examples: [
      'login --email you@example.org',
      'login --email you@example.org --password-stdin < password.txt',
    ],
    options: {
      email: text('--email <address>', 'who you are; asked for where it is not said'),
      from_stdin: flag('--password-stdin', 'read the password from stdin'),
    },
    async run(cli, { options: { email, from_stdin } }) {
      const pair = await signIn(cli, email, from_stdin)
      await cli.credentials.save(cli.url, pair)
      cli.print(pair.user, () => `Signed in to ${cli.url} as ${toLine(pair.user.email)}`)
    },
  })
  define(program, {
    usage: 'logout',
    summary: 'End the session of this machine, also at the server',
    examples: ['logout'],
    run: (cli) => signOut(cli),
  })
  define(program, {
    usage: 'whoami',
    summary: 'Who is signed in, and where',
    examples: ['whoami'],
    async run({ api, url, print }) {
      const user = await api.users.me()
      const kind = user.is_superuser ? 'superuser' : 'user'
      print(user, () => toFields({ email: user.email, kind, id: user.id, server: url }))
    },
  })
}

async function signIn({ url }: Cli, given: string | undefined, from_stdin: boolean) {
  if (given === undefined && !canAsk()) throw new CliError('usage', 'Say who you are with --email')
  const email = given ?? (await ask('E-mail: '))
  const password = await readPassword(`Password of ${email} at ${url}: `, from_stdin)
  return createApi({ url }).auth.login({ email, password })
}

/** Forgotten here first: whatever becomes of the rest, this machine is signed out. */
async function signOut({ url, credentials, print }: Cli): Promise<void> {
  const session = credentials.session(url)
  if (!session) throw new CliError('signed_out', `Nobody is signed in to ${url}`)
  await credentials.forget(url)
  const answer = await createApi({ url }).auth.logout({ refresh_token: session.refresh_token })
  print(answer, () => `Signed out of ${url}`)
}
