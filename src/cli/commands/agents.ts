import type { Command } from 'commander'
import type { Agent, AgentMetrics } from '#src/client/rest/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { describeControl, describeRuntime, toText } from '../agent-text.ts'
import { choice, define, defineGroup, flag, fromVariable, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { describeLabels, readSelector, selecting } from '../labels.ts'
import { pageOptions, printList } from '../lists.ts'
import { resolveAgent, resolveProject, resolveType } from '../resolve.ts'
import { shorten, toFields, toLine } from '../text.ts'

/** The option of every command on one project. */
export const inProject = {
  project: fromVariable(
    text('-p, --project <project>', 'by slug or id; not needed if you can read only one'),
    'SIGNALBOX_PROJECT',
  ),
}

export function addAgents(program: Command): Command {
  const agents = defineGroup(program, 'agents', 'List, spawn and control agents')
  addReaders(agents)
  addMetrics(agents)
  addLive(agents)
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
  LABELS: (agent: Agent) => shorten(toLine(describeLabels(agent)), 40),
  ID: ({ id }: Agent) => id,
}

function addReaders(agents: Command): void {
  define(agents, {
    usage: 'list',
    summary: 'List the agents of a project, newest first',
    examples: [
      'agents list --project north-line --status working',
      "agents list -l 'team=search,env in (prod,stage)'",
      'agents list --search ada --all --json',
    ],
    options: {
      ...selecting,
      status: choice('--status <status>', 'only agents in this status', agentStatuses),
      type: text('--type <type>', 'only agents of this type, by slug or id'),
      search: text('--search <text>', 'only agents whose name contains this'),
      parent: text('--parent <agent>', 'only agents that this one has started, by its name or id'),
      ...pageOptions,
      ...inProject,
    },
    async run(cli, { options }) {
      const { status, search: q, type, parent, selector } = options
      const project_id = await resolveProject(cli.api, options.project)
      const agent_type_id = type === undefined ? undefined : await resolveType(cli.api, type)
      const parent_id = parent === undefined ? undefined : await resolveAgent(cli.api, project_id, parent)
      const filter = { status, q, agent_type_id, parent_id, selector }
      await printList(cli, { columns, options }, (page) =>
        cli.api.agents.list(project_id, { ...page, ...filter }),
      )
    },
  })
  define(agents, {
    usage: 'get <agent>',
    summary: 'Show one agent, by name or id',
    examples: ['agents get Ada --project north-line'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const agent = await api.agents.get(project_id, await resolveAgent(api, project_id, reference))
      print(agent, () => toText(agent))
    },
  })
}

function addMetrics(agents: Command): void {
  define(agents, {
    usage: 'metrics [agent]',
    summary: 'Count agents and sum up their usage, for a project or for one agent',
    examples: [
      'agents metrics --project north-line',
      'agents metrics -l team=search',
      'agents metrics Ada --tree',
    ],
    options: {
      ...selecting,
      tree: flag('--tree', 'with the descendants of the agent, ended ones too'),
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options: { selector, tree, project } }) {
      if (reference === undefined ? tree : selector !== undefined) {
        throw new CliError('usage', '--tree is for one agent, and --selector for all')
      }
      const project_id = await resolveProject(api, project)
      const metrics =
        reference === undefined
          ? await api.agents.metrics(project_id, { selector })
          : await api.agents.metricsOf(project_id, await resolveAgent(api, project_id, reference), { tree })
      print(metrics, () => toMetricsText(metrics))
    },
  })
}

function toMetricsText(metrics: AgentMetrics): string {
  const { total_instances, connected_instances, by_status } = metrics
  return toFields({
    agents: `${total_instances}, ${connected_instances} connected`,
    ...Object.fromEntries(agentStatuses.map((status) => [status, String(by_status[status] ?? 0)])),
    tasks: String(metrics.total_tasks_completed),
    tokens: String(metrics.total_tokens_used),
    cost: metrics.total_cost_incurred,
  })
}

/** Both read over a WebSocket. It is loaded here, so that other commands start without it. */
function addLive(agents: Command): void {
  define(agents, {
    usage: 'watch',
    summary:
      'Watch the agents of a project live: a table on a terminal, else one line per event (Ctrl-C stops)',
    examples: [
      'agents watch --project north-line',
      'agents watch -l team=search',
      'agents watch --json | jq .agent.name',
    ],
    options: {
      ...selecting,
      status: choice('--status <status>', 'only agents in this status (table)', agentStatuses),
      ...inProject,
    },
    async run(cli, { options: { status, selector, project } }) {
      const wanted = { status, selector: readSelector(selector) }
      const { watchAgents } = await import('../watch.ts')
      await watchAgents(cli, { project_id: await resolveProject(cli.api, project), ...wanted })
    },
  })
  define(agents, {
    usage: 'tree [agent]',
    summary: 'Show which agents have started which; or those below one agent',
    examples: ['agents tree --project north-line', 'agents tree Ada --ended'],
    options: { ended: flag('--ended', 'with agents that are terminated'), ...inProject },
    async run(cli, { args: [reference], options: { ended, project } }) {
      const { showTree } = await import('../tree.ts')
      const project_id = await resolveProject(cli.api, project)
      const root = reference === undefined ? undefined : await resolveAgent(cli.api, project_id, reference)
      await showTree(cli, { project_id, root, ended })
    },
  })
}
