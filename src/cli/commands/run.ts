import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { define, duration, flag, fromVariable, required, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { labelOption } from '../labels.ts'
import { inProject } from './agents.ts'

/** Loads its parts when it is called, so that other commands start without them. */
export function addRun(program: Command): void {
  define(program, {
    usage: 'run <command...>',
    summary: 'Run any program as an agent: pause stops its processes, terminate ends them',
    examples: [
      'run --name Ada --type coder --external-id ada-1 -- python3 agent.py',
      'run --type crawler --label team=search --restart --last-line -- ./crawl.sh',
      'run --type coder --require-link 30s --grace 1m -- node agent.js --fast',
      'run --type coder --name Gemini --acp -- gemini --acp',
    ],
    options: {
      name: text('--name <name>', 'the name that people see (default: that of the program)'),
      type: required(text('--type <type>', 'by slug or id')),
      external_id: text('--external-id <id>', 'the same at each start (default: a new agent each time)'),
      label: labelOption('a label; repeat it for more'),
      parent: fromVariable(
        text('--parent <id>', 'the id of the agent that starts it; set inside of another run'),
        'SIGNALBOX_AGENT_ID',
      ),
      grace: duration('--grace <time>', 'between SIGTERM and SIGKILL (default: 10s)'),
      restart: flag('--restart', 'start it again when it fails, but never after a terminate'),
      last_line: flag('--last-line', 'report its last line of output as the current task'),
      acp: flag('--acp', 'it speaks the Agent Client Protocol: a pause holds its next prompt back'),
      require_link: duration('--require-link <time>', 'stop it after this time without Signalbox'),
      ...inProject,
    },
    async run(cli, { args: [command], options }) {
      const [first, ...args] = command
      if (!first) throw new CliError('usage', 'Give the command after --')
      assertSupported(process.platform)
      if (options.acp && (options.restart || options.last_line)) {
        throw new CliError(
          'usage',
          '--acp is for an agent whose client starts it, without --restart and --last-line',
        )
      }
      const { Supervisor } = await import('../run/supervisor.ts')
      const { name = basename(first), type, external_id = randomUUID(), label, parent, project } = options
      const identity = { name, agent_type: type, external_id, labels: label, parent_id: parent, project }
      const { grace = 10, restart, last_line, require_link, acp } = options
      const supervisor = new Supervisor(cli, identity, [first, ...args], {
        graceMs: grace * 1_000,
        restarts: restart,
        reportsLastLine: last_line,
        speaksAcp: acp,
        requireLinkMs: require_link === undefined ? undefined : require_link * 1_000,
      })
      process.exitCode = await supervisor.run()
    },
  })
}

/** Refuses what cannot keep its promise: a pause must really stop the command. */
export function assertSupported(platform: NodeJS.Platform): void {
  if (platform !== 'win32') return
  throw new CliError(
    'failed',
    'Windows cannot stop and continue the processes of a command',
    'use it in WSL, or a client library',
  )
}
