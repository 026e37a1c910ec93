import * as v from 'valibot'
import { field } from '#src/protocol/values.ts'
import { findOpenRequest, findProject } from '../references.ts'
import { defineTool, project, type Tool } from '../tool.ts'
import { requestRow, toRequestRow } from '../views.ts'

export const answerTools: readonly Tool[] = [
  defineTool({
    name: 'answer_request',
    title: 'Answer a request',
    description:
      'Answer what an agent asks. Ask the user first, and answer as the user decides: the agent acts on it. The first answer counts.',
    effect: 'changes',
    input: v.strictObject({
      project,
      request: field(v.string(), "The request, by its id, its request_id, or its agent's name"),
      status: v.optional(
        field(v.picklist(['resolved', 'cancelled']), 'cancelled: without an answer. resolved without it'),
        'resolved',
      ),
      option: v.optional(field(v.string(), 'The id of one of its options, if it has options')),
      payload: v.optional(
        field(v.record(v.string(), v.unknown()), 'What its response_schema asks for, if it has one'),
      ),
      note: v.optional(field(v.pipe(v.string(), v.maxLength(2_000)), 'A note for the agent')),
    }),
    output: requestRow,
    async run({ api, project }, { request: reference, project: named, ...answer }) {
      const given = named ?? project
      const project_id = given === undefined ? undefined : await findProject(api, given)
      const request = await findOpenRequest(api, reference, project_id)
      return toRequestRow(await api.requests.answer(request.project_id, request.id, answer))
    },
  }),
]
