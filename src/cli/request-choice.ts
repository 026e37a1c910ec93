import type { AgentRequest } from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import type { Cli } from './cli.ts'
import { CliError } from './failure.ts'
import { openRequests } from './request-watch.ts'
import { resolveProject } from './resolve.ts'

/** The request by its id, by the runtime's id for it, or by the name of an agent that asks one thing. */
export async function findRequest(
  cli: Cli,
  reference: string,
  project: string | undefined,
): Promise<AgentRequest> {
  const project_id = project === undefined ? undefined : await resolveProject(cli.api, project)
  if (isId(reference) && project_id !== undefined) return cli.api.requests.get(project_id, reference)
  const found = await findOpen(cli, reference, project_id)
  if (found) return found
  if (isId(reference)) return cli.api.requests.get(await resolveProject(cli.api, project), reference)
  throw new CliError('failed', `No open request "${reference}"`, 'see "signalbox requests list"')
}

async function findOpen(
  cli: Cli,
  reference: string,
  project_id: string | undefined,
): Promise<AgentRequest | undefined> {
  const wanted = reference.normalize('NFC')
  const found: AgentRequest[] = []
  for await (const request of openRequests(cli, project_id)) {
    if (request.id === reference.toLowerCase()) return request
    const isNamed = request.request_id === reference || request.agent_name.normalize('NFC') === wanted
    if (isNamed) found.push(request)
  }
  const [only, ...others] = found
  if (others.length === 0) return only
  const ids = found.slice(0, 5).map(({ id }) => id)
  throw new CliError('failed', `${found.length} requests are "${reference}"`, `use an id: ${ids.join(', ')}`)
}
