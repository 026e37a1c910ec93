import type { Command } from 'commander'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { toText } from '../agent-text.ts'
import { choice, define, number, required, text } from '../command.ts'
import { describeLabels, labelOption, parseLabels } from '../labels.ts'
import { resolveAgent, resolveProject, resolveType } from '../resolve.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

/** What operators change of agents besides their orders. */
export function addAgentChanges(agents: Command): void {
  addSpawn(agents)
  addLabel(agents)
  addRelease(agents)
}

function addSpawn(agents: Command): void {
  define(agents, {
    usage: 'spawn <name>',
    summary: 'Spawn an agent',
    examples: [
      'agents spawn Ada --type driver --project north-line',
      'agents spawn Ada --type driver --token-limit 100000 --cost-limit 2.50',
      'agents spawn Bob --type driver --label team=search --label env=prod --parent Ada',
    ],
    options: {
      type: required(text('--type <type>', 'by slug or id')),
      status: choice(
        '--status <status>',
        'the first status (default: idle)',
        agentStatuses.filter((one) => one !== 'terminated'),
      ),
      task: text('--task <text>', 'its current task'),
      label: labelOption('a label; repeat it for more'),
      external_id: text('--external-id <name>', 'the name by which its runtime registers'),
      parent: text('--parent <agent>', 'the agent that starts it, by name or id'),
      token_limit: number('--token-limit <number>', 'pause it after this many tokens'),
      cost_limit: text('--cost-limit <amount>', 'pause it after this cost'),
      ...inProject,
    },
    async run({ api, print }, { args: [name], options }) {
      const { type, task: current_task, label: labels, parent, project, ...rest } = options
      const project_id = await resolveProject(api, project)
      const agent_type_id = await resolveType(api, type)
      const parent_id = parent === undefined ? undefined : await resolveAgent(api, project_id, parent)
      const body = { agent_type_id, name, current_task, labels, parent_id, ...rest }
      const agent = await api.agents.spawn(project_id, body)
      print(agent, () => toText(agent))
    },
  })
}

function addLabel(agents: Command): void {
  define(agents, {
    usage: 'label <agent> <labels...>',
    summary: 'Change labels of an agent: KEY=VALUE sets one, KEY- removes it',
    examples: ['agents label Ada team=search env=prod', 'agents label Ada env-'],
    options: inProject,
    async run({ api, print }, { args: [reference, words], options: { project } }) {
      const labels = parseLabels(words)
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const agent = await api.agents.update(project_id, agent_id, { labels })
      print(agent, () => `${toLine(agent.name)} has ${toLine(describeLabels(agent)) || 'no labels'}`)
    },
  })
}

function addRelease(agents: Command): void {
  define(agents, {
    usage: 'release <agent>',
    summary: 'Take the external id from an agent, so that a new one may register with it',
    examples: ['agents release Ada --project north-line'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const agent = await api.agents.update(project_id, agent_id, { external_id: null })
      print(agent, () => `${toLine(agent.name)} has no external id any more`)
    },
  })
}
