import { useState } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import { say } from '../model/notices.ts'
import { Icon } from '../parts/icons.tsx'
import { useWorld } from '../world-context.ts'

/** Sends the runtime a message: a JSON object as it is, anything else as its `text`. */
export function AgentMessage({ agent }: { agent: AgentSummary }) {
  const { api } = useWorld()
  const [text, setText] = useState('')
  const [isBusy, setBusy] = useState(false)
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await api.signals.send(agent.project_id, agent.id, { kind: 'message', payload: toPayload(text) })
      setText('')
    } catch (error) {
      say('problem', error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }
  return (
    <section class="panel" aria-label="Message">
      <form class="message" onSubmit={send}>
        <label>
          Message to the runtime
          <textarea
            rows={3}
            value={text}
            placeholder="Text, or a JSON object"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={isBusy || text.trim() === '' || agent.status === 'terminated'}>
          <Icon name="send" />
          Send
        </button>
      </form>
    </section>
  )
}

export function toPayload(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {}
  return { text }
}
