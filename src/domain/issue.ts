export const issueStatuses = ['open', 'in_progress', 'closed'] as const
export type IssueStatus = (typeof issueStatuses)[number]

/** Whether an issue counts in its agent's `assigned_issues_count`. */
export function isOpen(status: IssueStatus): boolean {
  return status !== 'closed'
}
