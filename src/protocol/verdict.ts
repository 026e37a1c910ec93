import * as v from 'valibot'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { field, uuid } from './values.ts'

export const verdictQuery = v.object({
  agent_id: v.optional(
    field(uuid, 'For a runtime key, which agent is meant; the token of an agent says so itself'),
  ),
})

/** What a key must name. */
export const namedAgent = v.object({ agent_id: uuid })

export const verdict = v.strictObject({
  allowed: v.literal(true),
  status: v.picklist(agentStatuses),
})
