import { type Command, InvalidArgumentError } from 'commander'
import type { Budget, BudgetWindow } from '#src/client/rest/rest.ts'
import { actions } from '#src/domain/actions.ts'
import { budgetActions, budgetMetrics, budgetWindows } from '#src/domain/project-budget.ts'
import { describeLimit, drawSpending, toText } from '../budget-text.ts'
import { choice, confirmed, define, defineGroup, repeated, required, text } from '../command.ts'
import { describeScope } from '../hold-text.ts'
import { selecting } from '../labels.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveAgent, resolveBudget, resolveProject, resolveType } from '../resolve.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

const columns = {
  NAME: ({ name }: Budget) => name,
  SPENT: describeLimit,
  '': drawSpending,
  STATE: ({ state }: Budget) => state,
  AGENTS: describeScope,
  RESETS: ({ resets_at }: Budget) => resets_at ?? '',
  ID: ({ id }: Budget) => id,
}

const changeable = {
  warn_at: repeated<number[]>(
    '--warn-at <percent>',
    'warn at this share, such as 80%; may be repeated',
    readShare,
  ),
  action: choice(
    '--action <action>',
    'at the limit: only tell, or also stop the agents (default: hold)',
    budgetActions,
  ),
  mode: choice('--mode <mode>', 'how soon they obey (default: checkpoint)', actions.pause.modes),
}

function readShare(value: string, before: number[] = []): number[] {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,4})?)%?$/.exec(value) ?? []
  if (percent === undefined) throw new InvalidArgumentError('It must be a percentage, such as 80%.')
  return [...before, Number(percent) / 100]
}

/** What agents may spend together. */
export function addBudgets(program: Command): void {
  const budgets = defineGroup(
    program,
    'budgets',
    'Cap what agents spend together, for all time or per hour to month',
  )
  addReaders(budgets)
  define(budgets, {
    usage: 'create <name>',
    summary: 'Cap what the matching agents of a project spend from now on',
    examples: [
      'budgets create team-a --limit 50 --window day --timezone Europe/Berlin -l team=a',
      'budgets create tokens --metric tokens --limit 2000000 --window month --warn-at 50% --warn-at 90%',
      'budgets create ada --limit 5 --agent Ada --action notify',
    ],
    options: {
      limit: required(text('--limit <amount>', 'in the currency of the costs, or in tokens')),
      metric: choice('--metric <metric>', 'what is counted (default: cost)', budgetMetrics),
      window: choice(
        '--window <window>',
        'starts over each calendar hour, day, week or month (default: none)',
        budgetWindows,
      ),
      timezone: text('--timezone <name>', 'of the window, such as Europe/Berlin (default: UTC)'),
      ...selecting,
      type: text('--type <type>', 'only agents of this type, by slug or id'),
      agent: text('--agent <agent>', 'only this agent and its descendants, by name or id'),
      ...changeable,
      ...inProject,
    },
    async run({ api, print }, { args: [name], options }) {
      const { type, agent, project, metric = 'cost', window = 'none', limit, ...own } = options
      const project_id = await resolveProject(api, project)
      const budget = await api.budgets.create(project_id, {
        name,
        metric,
        window,
        limit: toAmount(limit, metric),
        agent_type_id: type === undefined ? undefined : await resolveType(api, type),
        agent_id: agent === undefined ? undefined : await resolveAgent(api, project_id, agent),
        ...own,
      })
      print(budget, () => toText(budget))
    },
  })
  addWriters(budgets)
}

/** Costs are decimal strings, so that no digit is lost. The server says what is wrong with others. */
function toAmount(text: string, metric: Budget['metric']): string | number {
  return metric === 'tokens' && /^\d+$/.test(text) ? Number(text) : text
}

function addReaders(budgets: Command): void {
  define(budgets, {
    usage: 'list',
    summary: 'List the budgets of a project, with a bar of what is spent',
    examples: ['budgets list', 'budgets list --project north-line --json'],
    options: { ...pageOptions, ...inProject },
    async run(cli, { options }) {
      const project_id = await resolveProject(cli.api, options.project)
      await printList(cli, { columns, options }, (page) => cli.api.budgets.list(project_id, page))
    },
  })
  define(budgets, {
    usage: 'show <budget>',
    summary: 'Show a budget, by name or id',
    examples: ['budgets show team-a'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const budget = await api.budgets.get(project_id, await resolveBudget(api, project_id, reference))
      print(budget, () => toText(budget))
    },
  })
  define(budgets, {
    usage: 'windows <budget>',
    summary: 'List what was spent in earlier windows, newest first',
    examples: ['budgets windows team-a --limit 30'],
    options: { ...pageOptions, ...inProject },
    async run(cli, { args: [reference], options }) {
      const project_id = await resolveProject(cli.api, options.project)
      const budget_id = await resolveBudget(cli.api, project_id, reference)
      const columns = {
        FROM: ({ starts_at }: BudgetWindow) => starts_at,
        TO: ({ ends_at }: BudgetWindow) => ends_at,
        SPENT: ({ spent, limit }: BudgetWindow) => `${spent} of ${limit}`,
        '': drawSpending,
        EXCEEDED: ({ exceeded_at }: BudgetWindow) => exceeded_at ?? '',
      }
      await printList(cli, { columns, options }, (page) =>
        cli.api.budgets.windows(project_id, budget_id, page),
      )
    },
  })
}

function addWriters(budgets: Command): void {
  define(budgets, {
    usage: 'update <budget>',
    summary: 'Change a budget, by name or id; a limit above what is spent resumes what it stopped',
    examples: [
      'budgets update team-a --limit 80',
      'budgets update team-a --action notify --name team-a-soft',
    ],
    options: {
      name: text('--name <name>', 'its new name'),
      limit: text('--limit <amount>', 'its new limit'),
      ...changeable,
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options: { project, limit, ...own } }) {
      const project_id = await resolveProject(api, project)
      const budget_id = await resolveBudget(api, project_id, reference)
      const isTokens =
        limit !== undefined && (await api.budgets.get(project_id, budget_id)).metric === 'tokens'
      const budget = await api.budgets.update(project_id, budget_id, {
        ...own,
        limit: limit === undefined ? undefined : toAmount(limit, isTokens ? 'tokens' : 'cost'),
      })
      print(budget, () => toText(budget))
    },
  })
  define(budgets, {
    usage: 'delete <budget>',
    summary: 'Delete a budget, by name or id; what it stopped resumes',
    examples: ['budgets delete team-a'],
    options: { ...confirmed, ...inProject },
    async run({ api, print }, { args: [reference], options: { project, yes } }) {
      const project_id = await resolveProject(api, project)
      const budget_id = await resolveBudget(api, project_id, reference)
      await confirm(`Delete the budget ${toLine(reference)}? The agents that it stopped resume.`, yes)
      const answer = await api.budgets.delete(project_id, budget_id)
      print(answer, () => answer.message)
    },
  })
}
