import { frame, messageId } from './frame.ts'

export const ping = frame(
  'ping',
  'Asks for a pong. Browsers use it: they cannot send pings of the WebSocket itself.',
  {
    id: messageId,
  },
  { id: '7' },
)
