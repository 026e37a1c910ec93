import * as examples from '../examples.ts'
import { field, isoTime } from '../values.ts'
import { frame } from './frame.ts'

export const tokenExpiring = frame(
  'token_expiring',
  'The token ends within a minute: send `auth` with a new one.',
  { expires_at: field(isoTime, 'The server closes the connection then') },
  { expires_at: examples.times.soon },
)
