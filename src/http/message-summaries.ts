import type { clientMessages } from '#src/protocol/frames.ts'
import type { serverMessages } from '#src/protocol/server-messages.ts'

/** What each message of the WebSocket is for, in one line: for the AsyncAPI document and its page. */
export const messageSummaries = {
  auth: 'Who the client is, where the upgrade had no credentials; again to renew a live connection.',
  subscribe: 'Watch a project: from a snapshot, or from the event after the last one that the reader has.',
  unsubscribe: 'Watch it no longer.',
  ping: 'Is anybody there? For browsers, which cannot send the pings of the WebSocket itself.',
  attach: 'This connection runs the agent from now on; an earlier link of the agent is replaced.',
  detach: 'It runs the agent no longer.',
  ack: 'A signal has been obeyed, or could not be.',
  report: 'What an agent is doing and what it has used since its last report; a number is applied once.',
  hello: 'The first frame of a connection: the protocol, the server, and who the client is by its upgrade.',
  authenticated: 'The credentials are good, until the time that is said.',
  token_expiring: 'The token ends within a minute: send auth with a new one.',
  subscribed: 'Where the project stands, and whether events go on from where the reader was.',
  snapshot: 'All agents as they are at a number of the log, in one or more frames.',
  event: 'One change of one agent, with the whole agent after it; numbered without gaps.',
  unsubscribed: 'The project is not watched here any longer, and why.',
  pong: 'The answer to ping.',
  attached: 'The link is there, under a lease; its signals follow.',
  detached: 'The link is gone, and why.',
  signal: 'An order, or a message, for the runtime of an agent: kept until it is acknowledged.',
  acknowledged: 'The outcome that the signal has.',
  reported: 'The report is committed.',
  goodbye: 'The server goes away: come back after a while.',
  error: 'A message was refused; the connection stays.',
} as const satisfies Record<keyof typeof clientMessages | keyof typeof serverMessages, string>
