import * as examples from '../examples.ts'
import { field, isoTime } from '../values.ts'
import { frame, replyId } from './frame.ts'

export const pong = frame(
  'pong',
  'Answers ping.',
  { id: replyId, at: field(isoTime, 'The time of the server') },
  { id: '7', at: examples.times.now },
)
