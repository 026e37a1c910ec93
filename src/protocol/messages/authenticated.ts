import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field, isoTime } from '../values.ts'
import { frame, replyId } from './frame.ts'
import { principal } from './principal.ts'

export const authenticated = frame(
  'authenticated',
  'The credentials are good until `expires_at`.',
  {
    id: replyId,
    principal: field(principal, 'Who the client is, and its role'),
    expires_at: field(v.nullable(isoTime), 'Null if they do not expire'),
  },
  { id: '1', principal: { ...examples.operator, role: 'user' }, expires_at: examples.times.soon },
)
