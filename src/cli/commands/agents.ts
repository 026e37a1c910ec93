import type { Command } from 'commander'
import type { Agent } from '#src/client/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { describeControl, describeRuntime, toText } from '../agent-text.ts'
import { choice, define, defineGroup, duration, fromVariable, number, required, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { pageOptions, printList } from '../lists.ts'
import { resolveAgent, resolveProject, resolveType } from '../resolve.ts'
import { shorten, toLine } from '../text.ts'

/** The option of every command that works in one project. */
export const inProject = {
  project: fromVariable(
    text('-p, --project <project>', 'by slug or id; not needed where you may read one only'),
    'SIGNALBOX_PROJECT',
  ),
}

export function addAgents(program: Command): Command {
  const agents = defineGroup(program, 'agents', 'See, spawn and control agents')
  addReaders(agents)
  addWatch(agents)
  addSpawn(agents)
  addMessage(agents)
  addToken(program)
  return agents
}

const columns = {
  NAME: ({ name }: Agent) => name,
  STATUS: ({ status }: Agent) => status,
  TYPE: ({ agent_type_slug }: Agent) => agent_type_slug,
  TASK: ({ current_task }: Agent) => shorten(toLine(current_task ?? ''), 32),
  TOKENS: ({ tokens_used }: Agent) => String(tokens_used),
  COST: ({ cost_incurred }: Agent) => cost_incurred,
  RUNTIME: describeRuntime,
  CONTROL: describeControl,
  ID: ({ id }: Agent) => id,
}

function addReaders(agents: Command): void {
  define(agents, {
    usage: 'list',
    summary: 'The agents of a project, newest first',
    examples: ['agents list --project north-line --status working', 'agents list --search ada --all --json'],
    options: {
      status: choice('--status <status>', 'in this status only', agentStatuses),
      type: text('--type <type>', 'of this type only, by slug or id'),
      search: text('--search <text>', 'whose name contains this'),
      ...pageOptions,
      ...inProject,
    },
    async run(cli, { options }) {
      const { status, search: q, type } = options
      const project_id = await resolveProject(cli.api, options.project)
      const agent_type_id = type === undefined ? undefined : await resolveType(cli.api, type)
      const filter = { status, q, agent_type_id }
      await printList(cli, { columns, options }, (page) =>
        cli.api.agents.list(project_id, { ...page, ...filter }),
      )
    },
  })
  define(agents, {
    usage: 'get <agent>',
    summary: 'One agent, by name or id',
    examples: ['agents get Ada --project north-line'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const agent = await api.agents.get(project_id, await resolveAgent(api, project_id, reference))
      print(agent, () => toText(agent))
    },
  })
}

function addWatch(agents: Command): void {
  define(agents, {
    usage: 'watch',
    summary:
      'Follow the agents of a project live: a table on a terminal, else a line an event; Ctrl-C ends it',
    examples: ['agents watch --project north-line', 'agents watch --json | jq .agent.name'],
    options: {
      status: choice('--status <status>', 'in the table, only agents in this status', agentStatuses),
      ...inProject,
    },
    async run(cli, { options: { status, project } }) {
      // With its connection it would be loaded by every command.
      const { watchAgents } = await import('../watch.ts')
      await watchAgents(cli, { project_id: await resolveProject(cli.api, project), status })
    },
  })
}

function addSpawn(agents: Command): void {
  define(agents, {
    usage: 'spawn <name>',
    summary: 'Spawn an agent',
    examples: [
      'agents spawn Ada --type driver --project north-line',
      'agents spawn Ada --type driver --token-limit 100000 --cost-limit 2.50',
    ],
    options: {
      type: required(text('--type <type>', 'by slug or id')),
      status: choice(
        '--status <status>',
        'what it begins as',
        agentStatuses.filter((one) => one !== 'terminated'),
      ),
      task: text('--task <text>', 'what it works on'),
      token_limit: number('--token-limit <number>', 'it is paused when it has used so many'),
      cost_limit: text('--cost-limit <amount>', 'it is paused when it has cost so much'),
      ...inProject,
    },
    async run({ api, print }, { args: [name], options }) {
      const { type, status, task: current_task, token_limit, cost_limit, project } = options
      const project_id = await resolveProject(api, project)
      const agent_type_id = await resolveType(api, type)
      const body = { agent_type_id, name, status, current_task, token_limit, cost_limit }
      const agent = await api.agents.spawn(project_id, body)
      print(agent, () => toText(agent))
    },
  })
}

function addMessage(agents: Command): void {
  define(agents, {
    usage: 'message <agent> [text]',
    summary:
      'Send the runtime of an agent a message: a text, or with --payload the JSON object that it expects',
    examples: [
      'agents message Ada "the 07:12 is late" --project north-line',
      `agents message Ada --payload '{"task":47}'`,
    ],
    options: { payload: text('--payload <json>', 'an object, instead of the text'), ...inProject },
    async run({ api, print }, { args: [reference, said], options: { payload: json, project } }) {
      if ((said === undefined) === (json === undefined)) {
        throw new CliError('usage', 'Say either a text or --payload')
      }
      const payload = json === undefined ? { text: said } : parseObject(json)
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const signal = await api.signals.send(project_id, agent_id, { kind: 'message', payload })
      print(signal, () => `Sent as signal ${signal.id}; it is kept until the runtime acknowledges it`)
    },
  })
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Said below.
  }
  throw new CliError('usage', '--payload must be a JSON object')
}

function addToken(program: Command): void {
  define(program, {
    usage: 'token <agent>',
    summary: 'Print a token for the runtime of one agent; it reaches that agent alone',
    examples: ['token Ada --project north-line --expires-in 7d', 'token Ada --json'],
    options: {
      expires_in: duration('--expires-in <time>', 'up to 30d; 1d where it is not said'),
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options: { expires_in, project } }) {
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const issued = await api.agents.issueToken(project_id, agent_id, { expires_in })
      print(issued, () => issued.token)
    },
  })
}
