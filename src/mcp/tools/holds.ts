import * as v from 'valibot'
import { actions } from '#src/domain/actions.ts'
import { isId } from '#src/domain/id.ts'
import { field } from '#src/protocol/values.ts'
import { ToolError } from '../failure.ts'
import { findProject, findType } from '../references.ts'
import { defineTool, project, reason, type Tool } from '../tool.ts'
import { holdRow, toHoldRow } from '../views.ts'

export const holdTools: readonly Tool[] = [
  defineTool({
    name: 'place_hold',
    title: 'Place a hold',
    description:
      'Stop all agents of a project, or those with some labels or of one type, and keep stopped what starts later. It stands until it is released or its time is up.',
    effect: 'changes',
    input: v.strictObject({
      project,
      reason,
      selector: v.optional(field(v.string(), 'Only agents with these labels; all without it')),
      agent_type: v.optional(field(v.string(), 'Only agents of this type, by slug, name or id')),
      mode: v.optional(v.picklist(actions.pause.modes)),
      until: v.optional(field(v.string(), 'When it ends by itself, as an RFC 3339 time')),
      for: v.optional(
        field(
          v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(31_536_000)),
          'Seconds after which it ends by itself',
        ),
      ),
    }),
    output: holdRow,
    async run({ api, project }, { project: named, agent_type, ...own }) {
      const project_id = await findProject(api, named ?? project)
      const agent_type_id = agent_type === undefined ? undefined : await findType(api, agent_type)
      return toHoldRow(await api.holds.place(project_id, { ...own, agent_type_id }))
    },
  }),
  defineTool({
    name: 'release_hold',
    title: 'Release a hold',
    description:
      'End a hold: the agents that it stopped continue, unless another hold or a person stops them. fleet_overview lists the holds of a project.',
    effect: 'settles',
    input: v.strictObject({
      project,
      hold: field(v.string(), 'The id of the hold'),
      over_seconds: v.optional(
        field(
          v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_600)),
          'Spreads the resumes over this time',
        ),
      ),
    }),
    output: v.object({ message: v.string(), affected_count: field(v.number(), 'Agents that continue') }),
    async run({ api, project }, { project: named, hold, over_seconds }) {
      if (!isId(hold)) {
        throw new ToolError(
          `There is no hold ${JSON.stringify(hold)}: fleet_overview lists the holds, with their ids`,
        )
      }
      const project_id = await findProject(api, named ?? project)
      const { message, affected_count } = await api.holds.release(project_id, hold, { over_seconds })
      return { message, affected_count }
    },
  }),
]
