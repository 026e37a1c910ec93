import { watchProject } from '#src/client/watch/watch.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { describeControl, describeRuntime, paintStatus } from './agent-text.ts'
import type { Cli } from './cli.ts'
import { alignCells, toLine } from './text.ts'

/** An agent with those that it has started. */
export type Branch = AgentSummary & { children: Branch[] }

type Wanted = {
  /** The agent at the root; undefined: every agent without a parent. */
  root: string | undefined
  /** Whether agents that are terminated are shown. Above a live one, they always are. */
  ended: boolean
}

/** Prints the agents of a project as trees. They come in one snapshot, so that no agent is missed or shown twice. */
export async function showTree(
  cli: Cli,
  { project_id, ...wanted }: Wanted & { project_id: string },
): Promise<void> {
  // This call comes first, so that a missing session or right fails as in any other command.
  await cli.api.projects.get(project_id)
  const watch = watchProject({ url: cli.url, token: () => cli.readToken(), project_id })
  try {
    await watch.whenLive()
    const data = growTrees([...watch.fleet.agents.values()], wanted)
    cli.print({ data }, () => renderTrees(data).join('\n'))
  } finally {
    watch.close()
  }
}

/** Agents by name within their parent. Trees are at most 16 levels deep, so recursion is safe. */
export function growTrees(agents: readonly AgentSummary[], { root, ended }: Wanted): Branch[] {
  const byParent = Map.groupBy(agents, ({ parent_id }) => parent_id)
  const grow = (agent: AgentSummary): Branch[] => {
    const children = (byParent.get(agent.id) ?? []).toSorted(byName).flatMap(grow)
    return ended || agent.status !== 'terminated' || children.length > 0 ? [{ ...agent, children }] : []
  }
  const roots = root === undefined ? byParent.get(null) : agents.filter(({ id }) => id === root)
  return (roots ?? []).toSorted(byName).flatMap(grow)
}

const names = new Intl.Collator('en', { numeric: true })
const byName = (a: AgentSummary, b: AgentSummary) =>
  names.compare(a.name, b.name) || names.compare(a.id, b.id)

const columns = {
  STATUS: ({ status }: Branch) => status,
  TYPE: ({ agent_type_slug }: Branch) => agent_type_slug,
  RUNTIME: describeRuntime,
  CONTROL: describeControl,
  ID: ({ id }: Branch) => id,
}
const STATUS_COLUMN = 1

/** Lines of a table whose first column is the tree. */
export function renderTrees(trees: readonly Branch[]): string[] {
  const shown = trees.flatMap((tree) => spread(tree, '', ''))
  const rows = shown.map(({ drawn, branch }) => [
    drawn,
    ...Object.values(columns).map((read) => toLine(read(branch))),
  ])
  return alignCells([['NAME', ...Object.keys(columns)], ...rows], (cell, column, row) => {
    const status = shown[row]?.branch.status
    return status && column === STATUS_COLUMN ? paintStatus(status, cell) : cell
  })
}

type Row = { drawn: string; branch: Branch }

/** `first` is drawn before the agent, and `next` before those below it. */
function spread(branch: Branch, first: string, next: string): Row[] {
  const { children } = branch
  const below = children.flatMap((child, index) => {
    const isLast = index === children.length - 1
    return spread(child, `${next}${isLast ? '└─ ' : '├─ '}`, `${next}${isLast ? '   ' : '│  '}`)
  })
  return [{ drawn: `${first}${toLine(branch.name)}`, branch }, ...below]
}
