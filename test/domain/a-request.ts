import type { Question, RequestRecord } from '#src/domain/request.ts'
import { openRequest } from '#src/domain/request.ts'
import { anAgent, NOW } from './an-agent.ts'

export const aQuestion = (own: Partial<Question> = {}): Question => ({
  request_id: 'q1',
  reason: 'input_required',
  message: 'Which environment?',
  tool_call: null,
  options: null,
  response_schema: null,
  expires_at: null,
  metadata: null,
  ...own,
})

/** An open request of `anAgent`, with what a test cares about. */
export function aRequest(own: Partial<RequestRecord> = {}): RequestRecord {
  return { ...openRequest(anAgent(), aQuestion(), { id: 'r', now: NOW }), ...own }
}
