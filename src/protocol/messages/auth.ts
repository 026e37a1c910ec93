import * as v from 'valibot'
import * as examples from '../examples.ts'
import { field } from '../values.ts'
import { frame, messageId } from './frame.ts'

export const auth = frame(
  'auth',
  'Says who the client is, if the upgrade carried no credentials. Sent again, it renews a live connection.',
  {
    id: messageId,
    token: field(v.pipe(v.string(), v.maxLength(4096)), 'An access token, an API key or an agent token'),
  },
  { id: '1', token: examples.tokenPair.access_token },
)
