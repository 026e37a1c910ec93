import * as v from 'valibot'
import { external_id } from '../agents.ts'
import * as examples from '../examples.ts'
import { labels } from '../labels.ts'
import { capabilities, client } from '../runtimes.ts'
import { count, field, label, money, text, uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

const agent_type = v.pipe(text(255), v.minLength(1, 'Must not be empty'))

export const register = frame(
  'register',
  'This connection runs the agent of that name from now on, which is spawned if there is none. The answer is `attached`.',
  {
    id: messageId,
    project_id: v.optional(field(uuid, 'May be left out if the credential belongs to one project')),
    external_id: field(external_id, 'The name by which the agent is found again'),
    name: field(label(255), 'The name that people see, of a new agent'),
    agent_type: field(agent_type, 'The slug or the id of the type, of a new agent'),
    labels: v.optional(field(labels, 'Merged into those of an agent that is found'), {}),
    parent_id: v.nullish(field(uuid, 'The live agent that started it, of a new agent'), null),
    token_limit: v.nullish(field(count, 'Of a new agent'), null),
    cost_limit: v.nullish(field(money, 'Of a new agent'), null),
    capabilities,
    client,
  },
  {
    id: '4',
    project_id: examples.ids.project,
    external_id: examples.agent.external_id,
    name: examples.agent.name,
    agent_type: examples.agent.agent_type_slug,
    labels: examples.agent.labels,
    capabilities: ['interrupt'],
    client: examples.client,
  },
)

/** The slug of a type may look like an id. */
export function toTypeKey(agent_type: string): { slug: string; id: string | undefined } {
  const id = v.safeParse(uuid, agent_type)
  return { slug: agent_type, id: id.success ? id.output : undefined }
}
