import { Command, CommanderError } from 'commander'
import { version } from '#src/version.ts'
import { speakInLines } from './command.ts'
import { addAgentActions } from './commands/agent-actions.ts'
import { addAgents } from './commands/agents.ts'
import { addCompletion } from './commands/completion.ts'
import { addKeys } from './commands/keys.ts'
import { addMembers } from './commands/members.ts'
import { addProjects } from './commands/projects.ts'
import { addServer } from './commands/server.ts'
import { addSession } from './commands/session.ts'
import { addTypes } from './commands/types.ts'
import { addUsers } from './commands/users.ts'
import { addWebhooks } from './commands/webhooks.ts'
import { describeFailure, exitCodes } from './failure.ts'

const manual = `
Examples:
  signalbox demo                        a server with a simulated fleet
  signalbox login --email you@example.org
  signalbox agents watch --project north-line
  signalbox agents pause --all --reason "signal at danger" --wait

Environment:
  SIGNALBOX_URL      the server; else the one that was signed in to last, else http://127.0.0.1:8080
  SIGNALBOX_TOKEN    an API key or an access token, instead of signing in
  SIGNALBOX_PROJECT  the project of every command that needs one

Exit codes:
  0 done   1 refused or failed   2 not understood   3 not signed in
  4 not reachable, or too busy: the same may succeed later   130 interrupted`

/** The tree of commands. A new one is an entry in its group's file. */
export function createProgram(): Command {
  const program = new Command('signalbox')
    .description('The real-time control plane for fleets of AI agents.')
    .version(version)
    .helpCommand(false)
    .addHelpText('after', manual)
    .exitOverride()
  speakInLines(program, '')
  addServer(program)
  addSession(program)
  const agents = addAgents(program)
  addAgentActions(agents)
  addProjects(program)
  addMembers(program)
  addKeys(program)
  addWebhooks(program)
  addUsers(program)
  addTypes(program)
  addCompletion(program)
  return program
}

/** Runs one command line. A failure is one line on stderr, in JSON with `--json`, and the exit code. */
export async function runProgram(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = fail(error, args.includes('--json'))
  }
}

function fail(error: unknown, is_json: boolean): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  const { exit_code, line, errors } = describeFailure(error)
  console.error(is_json ? JSON.stringify({ success: false, errors }) : `signalbox: ${line}`)
  return exit_code
}
