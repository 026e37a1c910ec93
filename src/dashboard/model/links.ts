import { agentStatuses } from '#src/domain/lifecycle.ts'

/** The last filters of each fleet, by project: its link restores them. */
export const lastFilters = new Map<string, string>()

/** The pages of a project in their order, with what people call them. */
export const projectPages = [
  ['fleet', 'Fleet'],
  ['overview', 'Overview'],
  ['log', 'Log'],
  ['usage', 'Usage'],
  ['budgets', 'Budgets'],
  ['members', 'Members'],
  ['settings', 'Settings'],
] as const

export const links = {
  projects: '#/',
  types: '#/types',
  audit: '#/audit',
  keys: '#/keys',
  users: '#/users',
  profile: '#/profile',
  requests: (filters: Record<string, string> = {}) => {
    const text = new URLSearchParams(filters).toString()
    return `#/requests${text && `?${text}`}`
  },
  request: (project_id: string, request_id: string) => `#/p/${project_id}/requests/${request_id}`,
  fleet: (project_id: string) => {
    const filters = lastFilters.get(project_id)
    return `#/p/${project_id}${filters ? `?${filters}` : ''}`
  },
  /** The fleet with all that an agent has started, ended agents too. */
  children: (project_id: string, agent_id: string) =>
    `#/p/${project_id}?parent=${agent_id}&status=${agentStatuses.join()}`,
  labelled: (project_id: string, key: string, value: string) =>
    `#/p/${project_id}?${new URLSearchParams({ q: `${key}=${value}` })}`,
  overview: (project_id: string) => `#/p/${project_id}/overview`,
  /** The fleet's agents of one type. */
  typed: (project_id: string, agent_type_id: string) => `#/p/${project_id}?type=${agent_type_id}`,
  /** The fleet's agents that need attention, for all or for some reasons. */
  needing: (project_id: string, kinds: readonly string[] = ['any']) =>
    `#/p/${project_id}?needs=${kinds.join()}`,
  /** The fleet with these agents alone, ended ones too. */
  agents: (project_id: string, ids: readonly string[]) => `#/p/${project_id}?ids=${ids.join()}`,
  log: (project_id: string, filters: Record<string, string> = {}) => {
    const text = new URLSearchParams(filters).toString()
    return `#/p/${project_id}/log${text && `?${text}`}`
  },
  usage: (project_id: string) => `#/p/${project_id}/usage`,
  budgets: (project_id: string) => `#/p/${project_id}/budgets`,
  members: (project_id: string) => `#/p/${project_id}/members`,
  /** All projects, or one, for a large screen. */
  wall: (project_id?: string) => `#/wall${project_id === undefined ? '' : `?project=${project_id}`}`,
  settings: (project_id: string) => `#/p/${project_id}/settings`,
  connect: (project_id: string) => `#/p/${project_id}/connect`,
  agent: (project_id: string, agent_id: string) => `#/p/${project_id}/a/${agent_id}`,
}
