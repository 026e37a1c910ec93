import type { Command } from 'commander'
import type { ActionName } from '#src/domain/actions.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { type ActionRequest, actOnMany, type Reached } from '../bulk.ts'
import type { Cli } from '../cli.ts'
import { choice, define, duration, flag, text, type ValuesOf } from '../command.ts'
import { CliError } from '../failure.ts'
import { actAndWait, type Obedience } from '../obedience.ts'
import { confirm } from '../prompt.ts'
import { resolveProject } from '../resolve.ts'
import { assertSaid, countSelected, selectAgents } from '../selection.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

const common = {
  all: flag('--all', 'every agent that is not terminated, in one transaction'),
  status: choice('--status <status>', 'of those, the ones in this status', agentStatuses),
  reason: text('--reason <text>', 'why; the log and the runtimes have it'),
  wait: flag('--wait', 'until the connected runtimes have obeyed, with a bar on a terminal'),
  timeout: duration('--timeout <time>', 'how long to wait for that; 60s where it is not said'),
  ...inProject,
}
type Common = ValuesOf<typeof common>

/** What operators do to agents: to one, to several that are named, or to all. */
export function addAgentActions(agents: Command): void {
  define(agents, {
    usage: 'pause [agents...]',
    summary: 'Pause agents, by name or id; - reads them from stdin',
    examples: ['agents pause Ada --for 10m --reason "signal at danger"', 'agents pause --all --wait'],
    options: {
      resume_after: duration('--for <time>', 'they resume by themselves then, as in 10m'),
      ...common,
    },
    run: (cli, { args: [named], options }) => act(cli, 'pause', { named, ...options }),
  })
  define(agents, {
    usage: 'resume [agents...]',
    summary: 'Resume paused agents, by name or id; - reads them from stdin',
    examples: ['agents resume Ada', 'agents resume --all --project north-line'],
    options: common,
    run: (cli, { args: [named], options }) => act(cli, 'resume', { named, ...options }),
  })
  define(agents, {
    usage: 'terminate [agents...]',
    summary: 'Terminate agents for good, by name or id; - reads them from stdin',
    examples: ['agents terminate Ada', 'agents terminate --all --status idle --yes'],
    options: { yes: flag('-y, --yes', 'do not ask'), ...common },
    run: (cli, { args: [named], options }) => act(cli, 'terminate', { named, ...options }),
  })
}

type Said = Common & { named: string[]; resume_after?: number | undefined; yes?: boolean }

async function act(cli: Cli, action: ActionName, said: Said): Promise<void> {
  assertSaid(said)
  const project_id = await resolveProject(cli.api, said.project)
  const selection = await selectAgents(cli.api, project_id, said)
  if (action === 'terminate') {
    const agents = countOf(await countSelected(cli.api, project_id, selection))
    await confirm(`Terminate ${agents}, for good?`, said.yes ?? false)
  }
  const { reason, resume_after, wait, timeout: timeout_s = 60 } = said
  const request: ActionRequest = { action, selection, reason, resume_after }
  const [only, ...others] = selection.named?.keys() ?? []
  if (only && others.length === 0 && !selection.status && !wait) {
    return actOnOne(cli, { project_id, agent_id: only }, request)
  }
  const post = () => actOnMany(cli.api, project_id, request)
  const result = wait ? await actAndWait(cli.api, project_id, { action, timeout_s, act: post }) : await post()
  report(cli, request, result)
}

type One = { project_id: string; agent_id: string }

/** Alone, an agent that cannot take it is a refusal with a reason, where of many it is left out. */
async function actOnOne(
  { api, print }: Cli,
  { project_id, agent_id }: One,
  request: ActionRequest,
): Promise<void> {
  const { action, reason, resume_after } = request
  if (action === 'terminate') {
    const answer = await api.agents.terminate(project_id, agent_id, { reason })
    return print(answer, () => toLine(answer.message))
  }
  const body = action === 'pause' ? { reason, resume_after } : { reason }
  const agent = await api.agents[action](project_id, agent_id, body)
  print(agent, () => `${toLine(agent.name)} is ${done[action]}`)
}

const done = {
  pause: 'paused',
  resume: 'resumed',
  terminate: 'terminated',
} as const satisfies Record<ActionName, string>

const obedience = {
  obeyed: 'obeyed',
  away: 'have no runtime connected',
  failed: 'failed to',
  superseded: 'were told otherwise meanwhile',
} as const satisfies Partial<Record<keyof Obedience, string>>

/** So many of those that were left out are shown to people; JSON has them all. */
const MAX_SHOWN = 10

function report(cli: Cli, { action, selection }: ActionRequest, result: Reached & Partial<Obedience>): void {
  const { affected_count, skipped, failed = 0 } = result
  cli.print(result, () => {
    const states = Object.entries(obedience).map(
      ([state, said]) => [result[state as keyof typeof obedience] ?? 0, said] as const,
    )
    const rest = [...states, [skipped.length, 'left out'] as const].filter(([count]) => count > 0)
    return [
      `${countOf(affected_count)} ${done[action]}`,
      ...rest.map(([count, said]) => `${count} ${said}`),
    ].join(', ')
  })
  // What cannot take an action is no failure of `--all`: it was asked of whoever can.
  if (!selection.named || (skipped.length === 0 && failed === 0)) return
  for (const { id, message } of skipped.slice(0, MAX_SHOWN)) {
    cli.note(`${selection.named.get(id) ?? id}: ${toLine(message)}`)
  }
  throw new CliError('failed', `${countOf(skipped.length + failed)} could not be ${done[action]}`)
}

function countOf(agents: number): string {
  return agents === 1 ? '1 agent' : `${agents} agents`
}
