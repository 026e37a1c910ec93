import type { Command } from 'commander'
import { ApiError } from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import { openCli } from '../cli.ts'
import { choice, defineLocal, duration, flag, fromVariable, serverOptions, text } from '../command.ts'
import { CliError, describeFailure } from '../failure.ts'
import { Blocked, HookGate } from '../hook-gate.ts'
import { readToolCall } from '../hook-input.ts'
import { toLine } from '../text.ts'

/** Below the 60 s after which the hooks of Claude Code end by default: a hook that is ended lets the agent go on. */
const DEFAULT_WAIT_SECONDS = 50
/** The longest time of a question, with a day to spare. */
const MAX_WAIT_SECONDS = 29 * 24 * 60 * 60

/** What a hook that refuses exits with. For Claude Code, any other failure lets the tool call through. */
const BLOCKED = 2

/** For shell hooks: exits with 0 if the agent may go on, and with 2 if not, or if anything fails. */
export function addHook(program: Command): void {
  defineLocal(program, {
    usage: 'hook',
    summary:
      'For shell hooks: exit 0 if the agent may go ahead, wait while it is paused, exit 2 if it may not',
    examples: ['hook', 'hook --wait 23h', 'hook --ask --wait 1h', 'hook --unreachable allow'],
    options: {
      agent: fromVariable(
        text('--agent <id>', 'the agent; not needed with its own token'),
        'SIGNALBOX_AGENT_ID',
      ),
      wait: duration('--wait <time>', 'how long a pause or a question may last (default: 50s)'),
      ask: flag('--ask', 'ask people first, and wait for the answer'),
      message: text('--message <text>', 'the question, in place of one that names the tool'),
      unreachable: choice(
        '--unreachable <what>',
        'what to do when the server cannot be reached (default: block); a known pause or question blocks',
        ['block', 'allow'],
      ),
      ...serverOptions,
    },
    async run({ options: { agent, wait = DEFAULT_WAIT_SECONDS, ask, message, unreachable, url, json } }) {
      try {
        if (agent !== undefined && !isId(agent)) throw new CliError('usage', '--agent must be an id')
        if (wait > MAX_WAIT_SECONDS) throw new CliError('usage', '--wait must be at most 29d')
        const cli = openCli({ url, json }, process.env)
        const call = await readToolCall(process.stdin)
        const gate = new HookGate({
          url: cli.url,
          token: () => cli.readToken(),
          agent_id: agent,
          wait_seconds: wait,
        })
        try {
          await gate.open()
          await gate.pass()
          if (!ask) return
          const note = await gate.ask({ call, message })
          // It may have been paused since.
          await gate.pass()
          if (note) console.log(toLine(note))
        } finally {
          gate.close()
        }
      } catch (error) {
        const reason = describe(error)
        const isAllowed = unreachable === 'allow' && error instanceof ApiError && error.retryable
        console.error(`signalbox: ${reason}${isAllowed ? '; the agent goes ahead without it' : ''}`)
        process.exitCode = isAllowed ? 0 : BLOCKED
      }
    },
  })
}

function describe(error: unknown): string {
  if (error instanceof Blocked) return toLine(error.message)
  const lacksAgent = error instanceof ApiError && error.errors.some(({ field }) => field === 'agent_id')
  return lacksAgent ? 'A runtime key needs SIGNALBOX_AGENT_ID or --agent' : describeFailure(error).line
}
