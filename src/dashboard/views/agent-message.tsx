import { useRef, useState } from 'preact/hooks'
import type { SignalDetails } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { findInexactNumber } from '#src/domain/json.ts'
import { useAppState } from '../app-state-context.ts'
import { refusalOf } from '../model/failures.ts'
import { say } from '../model/notices.ts'
import { sayError } from '../model/problems.ts'
import { Icon } from '../parts/icons.tsx'

/** Sends the runtime a message: a JSON object as it is, any other text as `{ text }`. */
export function AgentMessage({ agent, signals }: { agent: AgentSummary; signals: readonly SignalDetails[] }) {
  const { api } = useAppState()
  const [text, setText] = useState('')
  const [isBusy, setBusy] = useState(false)
  const refusal = refusalOf(agent, signals)
  const field = useRef<HTMLTextAreaElement>(null)
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await api.signals.send(agent.project_id, agent.id, { kind: 'message', payload: toPayload(text) })
      setText('')
      field.current?.focus()
    } catch (error) {
      say('problem', sayError(error))
    }
    setBusy(false)
  }
  return (
    <section class="panel" aria-label="Message">
      <form class="message" onSubmit={send}>
        {refusal && <p class="caution">The last message failed: {refusal}</p>}
        <label>
          Message to the runtime
          <textarea
            ref={field}
            rows={3}
            value={text}
            placeholder="Text, or a JSON object"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={isBusy || text.trim() === ''}>
          <Icon name="send" />
          Send
        </button>
      </form>
    </section>
  )
}

export function toPayload(text: string): Record<string, unknown> {
  const value = readJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { text }
  const inexact = findInexactNumber(text)
  if (inexact)
    throw new RangeError(`${inexact.literal} has too many digits for a JSON number: write it as a string`)
  return { ...value }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
