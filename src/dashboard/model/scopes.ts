import type { ProjectLive } from './project-live.ts'

type Scope = { selector: string | null; agent_type_id: string | null; agent_id?: string | null }

/** Which agents a hold or a budget applies to: "agents with team=search". */
export function sayScope(live: ProjectLive, { selector, agent_type_id, agent_id }: Scope): string {
  if (agent_id) return `${live.nameOf(agent_id)} and its descendants`
  if (selector === null && agent_type_id === null) return 'all agents'
  const type = agent_type_id === null ? '' : `${typeName(live, agent_type_id)} `
  return `${type}agents${selector === null ? '' : ` with ${selector}`}`
}

function typeName(live: ProjectLive, agent_type_id: string): string {
  for (const agent of live.agents.values()) {
    if (agent.agent_type_id === agent_type_id) return agent.agent_type_name
  }
  return `type ${agent_type_id.slice(-6)}`
}
