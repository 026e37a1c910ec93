import { v7 as uuid } from 'uuid'
import type { Actor } from '#src/domain/actor.ts'
import { notFound } from '#src/domain/errors.ts'
import { isOpen } from '#src/domain/issue.ts'
import type { Sql } from '#src/store/database.ts'
import { deleteIssue as deleteRow, type IssueRow, lockIssue, saveIssue } from '#src/store/issues.ts'
import { commit } from './commit.ts'
import type { CommandContext } from './context.ts'

export type IssueInput = Pick<IssueRow, 'title' | 'description' | 'status' | 'assigned_agent_id'>
type ProjectTarget = { project_id: string; actor: Actor }
type IssueTarget = ProjectTarget & { issue_id: string }
type Edit = { before: IssueRow | undefined; after: IssueRow | undefined }

/** Refuses with `not_found` an assigned agent of another project. */
export async function createIssue(
  context: CommandContext,
  target: ProjectTarget,
  input: IssueInput,
): Promise<IssueRow> {
  const now = context.clock()
  const { project_id } = target
  const issue: IssueRow = { ...input, id: uuid(), project_id, created_at: now, updated_at: now }
  await editIssue(context, target, async () => ({ before: undefined, after: issue }))
  return issue
}

export async function updateIssue(
  context: CommandContext,
  target: IssueTarget,
  patch: Partial<IssueInput>,
): Promise<IssueRow> {
  const { after } = await editIssue(context, target, async (sql) => {
    const before = await lockExisting(sql, target)
    return { before, after: { ...before, ...patch, updated_at: context.clock() } }
  })
  if (!after) throw new Error('an updated issue is missing')
  return after
}

export async function deleteIssue(context: CommandContext, target: IssueTarget): Promise<void> {
  await editIssue(context, target, async (sql) => ({
    before: await lockExisting(sql, target),
    after: undefined,
  }))
}

async function lockExisting(sql: Sql, { project_id, issue_id }: IssueTarget): Promise<IssueRow> {
  const issue = await lockIssue(sql, project_id, issue_id)
  if (!issue) throw notFound.issue(issue_id, project_id)
  return issue
}

/** Writes an issue, and the counts of the agents that it was or is assigned to, each with an event. */
function editIssue(
  context: CommandContext,
  { project_id, actor }: ProjectTarget,
  edit: (sql: Sql) => Promise<Edit>,
): Promise<Edit> {
  return commit(context, async (work) => {
    const { sql } = work
    const edited = await edit(sql)
    const deltas = countDeltas(edited)
    await work.lockAgents(
      [...deltas.keys()].map((agent_id) => ({ agent_id, project_id, ignores_memory: true })),
    )
    await work.lockProjects([project_id])
    if (!work.project(project_id)) throw notFound.project(project_id)

    for (const [agent_id, delta] of deltas) {
      const agent = work.agent({ agent_id, project_id })
      if (delta === 0) continue
      const assigned_issues_count = agent.assigned_issues_count + delta
      work.apply({ agent: { ...agent, assigned_issues_count }, event: { name: 'agent.updated' } }, actor)
    }
    if (edited.after) await saveIssue(sql, edited.after)
    else if (edited.before) await deleteRow(sql, edited.before.id)
    return edited
  })
}

/** How each agent's number of open issues changes. An agent with 0 is only checked for being there. */
function countDeltas({ before, after }: Edit): Map<string, number> {
  const deltas = new Map<string, number>()
  const add = (issue: IssueRow | undefined, sign: 1 | -1) => {
    if (!issue?.assigned_agent_id) return
    const delta = isOpen(issue.status) ? sign : 0
    deltas.set(issue.assigned_agent_id, (deltas.get(issue.assigned_agent_id) ?? 0) + delta)
  }
  add(before, -1)
  add(after, 1)
  return deltas
}
