import type { Command } from 'commander'
import { type Agent, type Api, ApiError, type Message } from '#src/client/rest/rest.ts'
import { type ActionName, actionNames, actionRow, type Mode } from '#src/domain/actions.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import type { Obedience } from '#src/domain/obedience.ts'
import { describeRefusal, ofMode } from '../agent-text.ts'
import { type ActionRequest, actOnMany, type Reached } from '../bulk.ts'
import type { Cli } from '../cli.ts'
import { choice, confirmed, define, duration, flag, text, toggle, type ValuesOf } from '../command.ts'
import { CliError } from '../failure.ts'
import { selecting } from '../labels.ts'
import { actAndWait } from '../obedience.ts'
import { confirm } from '../prompt.ts'
import { resolveProject } from '../resolve.ts'
import { assertSelection, countSelected, type Selection, selectAgents } from '../selection.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

const common = {
  all: flag('--all', 'act on every agent that is not terminated, in one transaction'),
  ...selecting,
  status: choice('--status <status>', 'act only on agents in this status', agentStatuses),
  cascade: toggle('cascade', 'also act on their descendants (default)', 'leave their descendants alone'),
  reason: text('--reason <text>', 'why; recorded in the log and sent to the agents'),
  wait: flag('--wait', 'wait until the connected runtimes have confirmed; shows a bar on a terminal'),
  timeout: duration('--timeout <time>', 'how long --wait waits (default: 60s)'),
  ...inProject,
}
const timer = { resume_after: duration('--for <time>', 'resume them after this time, such as 10m') }
const soon = (modes: readonly [Mode, ...Mode[]]) => ({
  mode: choice('--mode <mode>', `how soon they obey (default: ${modes[0]})`, modes),
  again: flag('--again', 'send the order again to agents that have not obeyed it'),
})

type Options = ValuesOf<typeof common> &
  Partial<ValuesOf<typeof timer & typeof confirmed & ReturnType<typeof soon>>>

/** What operators do to agents: to one, to several that are named, or to all. */
export function addAgentActions(agents: Command): void {
  for (const action of actionNames) {
    const { verb, has_timer, is_final, modes } = actionRow(action)
    const [usual, other] = modes
    const [timed, sure] = [has_timer ? ' --for 10m' : '', is_final ? ' --yes' : '']
    define(agents, {
      usage: `${action} [agents...]`,
      summary: `${verb} agents by name or id; - reads names from stdin`,
      examples: [
        `agents ${action} Ada${timed} --reason "signal at danger"`,
        `agents ${action} --all -l team=search --project north-line${sure} --wait`,
        ...(other ? [`agents ${action} Ada --again --mode ${other}${sure}`] : []),
      ],
      options: {
        ...(has_timer && timer),
        ...(usual && soon([usual, ...modes.slice(1)])),
        ...(is_final && confirmed),
        ...common,
      },
      run: (cli, { args: [named], options }) => act(cli, action, { ...options, named }),
    })
  }
}

async function act(cli: Cli, action: ActionName, options: Options & { named: string[] }): Promise<void> {
  assertSelection(options)
  const project_id = await resolveProject(cli.api, options.project)
  const selection = await selectAgents(cli.api, project_id, options)
  if (actionRow(action).is_final && !options.yes) {
    await confirm(await askFor(cli, action, { project_id, selection }), false)
  }
  const { reason, resume_after, mode, cascade, again = false, wait, timeout: timeoutSeconds = 60 } = options
  const request: ActionRequest = { action, selection, reason, resume_after, mode, cascade }
  const [only, ...others] = selection.named?.keys() ?? []
  if (only && others.length === 0 && !selection.status && !wait) {
    return actOnOne(cli, { project_id, agent_id: only }, request)
  }
  const post = () => actOnMany(cli.api, project_id, { ...request, again })
  const result = wait
    ? await actAndWait(cli.api, project_id, { action, timeoutSeconds, act: post })
    : await post()
  report(cli, request, result)
}

/** The question before an action that can't be undone: it names the project and how many agents it is about. */
async function askFor(
  { api }: Cli,
  action: ActionName,
  { project_id, selection }: { project_id: string; selection: Selection },
): Promise<string> {
  const [count, project] = await Promise.all([
    countSelected(api, project_id, selection),
    api.projects.get(project_id),
  ])
  const [only] = count === 1 ? (selection.named?.values() ?? []) : []
  const { verb } = actionRow(action)
  return `${verb} ${only ?? countOf(count)} in ${project.name} (${project.slug})? This can't be undone.`
}

type One = { project_id: string; agent_id: string }

/** Alone, an agent that cannot take the action is a failure with a reason; of many, it is skipped. */
async function actOnOne(
  { api, print, isJson }: Cli,
  { project_id, agent_id }: One,
  request: ActionRequest,
): Promise<void> {
  const { action, selection, mode } = request
  const name = selection.named?.get(agent_id) ?? agent_id
  try {
    const answer = await order(api, { project_id, agent_id }, request)
    const shown = 'name' in answer ? answer.name : name
    print(answer, () => `${toLine(shown)} is ${actionRow(action).past}${ofMode(mode)}`)
  } catch (error) {
    // With --json, programs get the contract's problems as they are.
    const refusal = error instanceof ApiError && !isJson ? describeRefusal(action, error.message) : undefined
    throw refusal ? new CliError('failed', `${name} ${refusal}`) : error
  }
}

/** A DELETE has its mode in the query. The options offer no mode of another action. */
function order(
  { agents }: Api,
  { project_id, agent_id }: One,
  { action, reason, resume_after, mode, cascade }: ActionRequest,
): Promise<Agent | Message> {
  const how = { mode: mode as never, cascade }
  if (action === 'terminate') return agents.terminate(project_id, agent_id, { reason }, how)
  return agents[action](project_id, agent_id, { reason, resume_after, ...how })
}

const obedience = {
  obeyed: 'obeyed',
  away: 'without a connected runtime',
  failed: 'failed',
  superseded: 'given another command since',
} as const satisfies Partial<Record<keyof Obedience, string>>

/** The most skipped agents that are listed for people; JSON has all of them. */
const MAX_SHOWN = 10

function report(
  cli: Cli,
  { action, selection, mode }: ActionRequest,
  result: Reached & Partial<Obedience>,
): void {
  const { affected_count, skipped, failed = 0 } = result
  const { past } = actionRow(action)
  cli.print(result, () => {
    const states = Object.entries(obedience).map(
      ([state, words]) => [result[state as keyof typeof obedience] ?? 0, words] as const,
    )
    const rest = [...states, [skipped.length, 'skipped'] as const].filter(([count]) => count > 0)
    return [
      `${countOf(affected_count)} ${past}${ofMode(mode)}`,
      ...rest.map(([count, words]) => `${count} ${words}`),
    ].join(', ')
  })
  // With `--all`, an agent that cannot take the action is no failure: the user did not name it.
  if (!selection.named || (skipped.length === 0 && failed === 0)) return
  for (const { id, message } of skipped.slice(0, MAX_SHOWN)) {
    const name = selection.named.get(id) ?? id
    const refusal = describeRefusal(action, message)
    cli.note(refusal ? `${name} ${refusal}` : `${name}: ${message}`)
  }
  throw new CliError('failed', `${countOf(skipped.length + failed)} could not be ${past}`)
}

function countOf(agents: number): string {
  return agents === 1 ? '1 agent' : `${agents} agents`
}
