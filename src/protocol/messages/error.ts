import * as v from 'valibot'
import { type ErrorCode, errorCodes } from '#src/domain/errors.ts'
import { field } from '../values.ts'
import { frame, replyId } from './frame.ts'

const codes: ErrorCode[] = [...new Set(Object.values(errorCodes))]

export const error = frame(
  'error',
  'The server refused a message. The connection stays open.',
  {
    id: replyId,
    code: field(v.picklist(codes), 'What kind of refusal it is, for programs'),
    message: field(v.string(), 'What is wrong, for people'),
    field: v.optional(field(v.string(), 'The dotted path of what is wrong')),
  },
  { id: '4', code: 'RT_003', message: 'Agent is terminated', field: 'agent_id' },
)
