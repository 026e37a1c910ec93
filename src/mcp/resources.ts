import {
  type McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { Agent } from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import { DEFAULT_PAGE } from './bounds.ts'
import { readAgentDetails, readNewestEvents, readOverview } from './reading.ts'
import { findAgentAnywhere } from './references.ts'
import { type Caller, inWords, type ToolCall, toCall } from './tool.ts'
import { toEventRow } from './views.ts'

export const FLEET_URI = 'signalbox://fleet'
const agentUri = /^signalbox:\/\/agents\/([0-9a-f-]{36})(\/events)?$/i

/** The agent that a resource is about; undefined for other resources. */
export function agentIdOf(uri: string): string | undefined {
  const id = agentUri.exec(uri)?.[1]
  return id !== undefined && isId(id) ? id.toLowerCase() : undefined
}

const mimeType = 'application/json'

/** What an assistant can attach to a conversation: the same as the tools that read answer. */
export function addResources(server: McpServer, caller: Caller): void {
  const answer = async (uri: URL, context: ServerContext, read: (call: ToolCall) => Promise<object>) => {
    const call = toCall(caller, context)
    try {
      const text = JSON.stringify(await read(call))
      return { contents: [{ uri: uri.href, mimeType, text }] }
    } catch (error) {
      if (error instanceof ResourceNotFoundError) throw error
      throw new Error(inWords(error, caller, call))
    }
  }
  const ofAgent = async ({ api, project }: ToolCall, uri: URL): Promise<Agent> => {
    const id = agentIdOf(uri.href)
    const agent = id === undefined ? undefined : await findAgentAnywhere(api, id, project)
    if (!agent) throw new ResourceNotFoundError(uri.href)
    return agent
  }
  const fleet = { title: 'Fleet', description: 'All projects, with their agents by status', mimeType }
  server.registerResource('fleet', FLEET_URI, fleet, (uri, context) =>
    answer(uri, context, ({ api, project }) => readOverview(api, project)),
  )
  const agent = { title: 'Agent', description: 'One agent by its id', mimeType }
  const agentTemplate = new ResourceTemplate('signalbox://agents/{id}', { list: undefined })
  server.registerResource('agent', agentTemplate, agent, (uri, _, context) =>
    answer(uri, context, async (call) => readAgentDetails(call.api, await ofAgent(call, uri))),
  )
  const events = { title: 'Events of an agent', description: 'Its newest events, oldest first', mimeType }
  const eventsTemplate = new ResourceTemplate('signalbox://agents/{id}/events', { list: undefined })
  server.registerResource('agent-events', eventsTemplate, events, (uri, _, context) =>
    answer(uri, context, async (call) => {
      const { id, project_id } = await ofAgent(call, uri)
      const fits = ({ agent }: { agent: { id: string } | null }) => agent?.id === id
      const found = await readNewestEvents(call.api, project_id, { fits, limit: DEFAULT_PAGE })
      return { events: found.events.map(toEventRow), last_seq: found.last_seq }
    }),
  )
}
