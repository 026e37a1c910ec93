/** The reasons for closing a socket, and whether its client should reconnect (docs/protocol.md: Close codes). */
export const closeCodes = {
  draining: { code: 1001, reconnect: 'after retry_after_ms' },
  restored: { code: 1001, reconnect: 'after retry_after_ms' },
  binary_frame: { code: 1003, reconnect: 'no' },
  too_large: { code: 1009, reconnect: 'no' },
  unauthenticated: { code: 4401, reconnect: 'with a new token' },
  wrong_subprotocol: { code: 4406, reconnect: 'no' },
  auth_timeout: { code: 4408, reconnect: 'yes' },
  too_many: { code: 4429, reconnect: 'later' },
  slow_reader: { code: 4430, reconnect: 'yes, with after' },
} as const satisfies Record<string, { code: number; reconnect: string }>

export type CloseReason = keyof typeof closeCodes
