import * as examples from '../examples.ts'
import { uuid } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const unsubscribe = frame(
  'unsubscribe',
  'Stops watching a project.',
  {
    id: messageId,
    project_id: uuid,
  },
  { id: '3', project_id: examples.ids.project },
)
