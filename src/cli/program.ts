import { Command, CommanderError } from 'commander'
import { endWithNpm } from '#src/server/npm-parent.ts'
import { version } from '#src/version.ts'
import { printErrorsAsLines } from './command.ts'
import { addAgentActions } from './commands/agent-actions.ts'
import { addAgentChanges } from './commands/agent-changes.ts'
import { addAgentRuntimes } from './commands/agent-runtimes.ts'
import { addAgents } from './commands/agents.ts'
import { addBudgets } from './commands/budgets.ts'
import { addCompletion } from './commands/completion.ts'
import { addHolds } from './commands/holds.ts'
import { addHook } from './commands/hook.ts'
import { addKeys } from './commands/keys.ts'
import { addMcp } from './commands/mcp.ts'
import { addMembers } from './commands/members.ts'
import { addProjects } from './commands/projects.ts'
import { addRequests } from './commands/requests.ts'
import { addRun } from './commands/run.ts'
import { addServer } from './commands/server.ts'
import { addSession } from './commands/session.ts'
import { addTypes } from './commands/types.ts'
import { addUsage } from './commands/usage.ts'
import { addUsers } from './commands/users.ts'
import { addWebhooks } from './commands/webhooks.ts'
import { describeFailure, exitCodes } from './failure.ts'
import { toJsonLine } from './text.ts'

const manual = `
Examples:
  signalbox demo                        start a server with a simulated fleet
  signalbox login --email you@example.org
  signalbox agents watch --project north-line
  signalbox agents pause --all --reason "signal at danger" --wait

Environment:
  SIGNALBOX_URL      the server (default: the one of your last login, else http://127.0.0.1:8080)
  SIGNALBOX_TOKEN    an API key or an access token, instead of a login
  SIGNALBOX_PROJECT  the project for every command that needs one

Exit codes:
  0 success   1 refused or failed   2 wrong usage   3 not signed in
  4 server unreachable or busy: try again later   130 interrupted`

/** The tree of commands. A new one is an entry in its group's file. */
export function createProgram(): Command {
  const program = new Command('signalbox')
    .description('The real-time control plane for fleets of AI agents.')
    .version(version)
    .helpCommand(false)
    .addHelpText('after', manual)
    .exitOverride()
  printErrorsAsLines(program, '')
  addServer(program)
  addSession(program)
  const agents = addAgents(program)
  addAgentChanges(agents)
  addAgentActions(agents)
  addAgentRuntimes(program, agents)
  addRun(program)
  addRequests(program)
  addHook(program)
  addProjects(program)
  addHolds(program)
  addBudgets(program)
  addUsage(program)
  addMembers(program)
  addKeys(program)
  addWebhooks(program)
  addUsers(program)
  addTypes(program)
  addMcp(program)
  addCompletion(program)
  return program
}

/** Runs one command line. A failure sets the exit code and prints one line on stderr, as JSON with `--json`. */
export async function runProgram(args: readonly string[]): Promise<void> {
  // A reader that closes the pipe, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  endWithNpm(process.env)
  // What follows `--` belongs to the command of `run`.
  const end = args.indexOf('--')
  const own = end < 0 ? args : args.slice(0, end)
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = fail(error, own.includes('--json'))
  }
}

function fail(error: unknown, isJson: boolean): number {
  // Commander has printed it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  const { exitCode, line, errors } = describeFailure(error)
  console.error(isJson ? toJsonLine({ success: false, errors }) : `signalbox: ${line}`)
  return exitCode
}
