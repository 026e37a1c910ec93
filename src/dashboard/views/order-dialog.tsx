import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest.ts'
import type { ActionName } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { plural } from '../model/format.ts'
import { order } from '../model/steering.ts'
import { Dialog } from '../parts/dialog.tsx'
import { useWorld } from '../world-context.ts'

type Asked = { action: ActionName; agents: readonly AgentSummary[] }

const asked = signal<Asked | undefined>(undefined)

/** Opens the dialog for an order; where there is nobody to give it to, nothing happens. */
export function startOrder(action: ActionName, agents: readonly AgentSummary[]): void {
  if (agents.length > 0) asked.value = { action, agents }
}

export function dropOrder(): void {
  asked.value = undefined
}

const verbs = { pause: 'Pause', resume: 'Resume', terminate: 'Terminate' } as const

export function OrderDialog({ project }: { project: Project }) {
  if (!asked.value) return null
  const { action, agents } = asked.value
  const [first] = agents
  const whom = agents.length === 1 && first ? first.name : plural(agents.length, 'agent')
  return (
    <Dialog title={`${verbs[action]} ${whom}`} onClose={dropOrder}>
      <OrderForm project={project} asked={asked.value} />
    </Dialog>
  )
}

/** What has to be typed before something that nobody can undo. */
function wordToType({ action, agents }: Asked): string | undefined {
  if (action !== 'terminate') return undefined
  return agents.length === 1 ? agents[0]?.name : String(agents.length)
}

function OrderForm({ project, asked }: { project: Project; asked: Asked }) {
  const world = useWorld()
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState('')
  const [typed, setTyped] = useState('')
  const { action, agents } = asked
  const word = wordToType(asked)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (word !== undefined && typed.trim() !== word.trim()) return
    dropOrder()
    const targets = { project_id: project.id, ids: agents.map(({ id }) => id) }
    const resume_after = minutes ? Math.round(Number(minutes) * 60) : undefined
    void order(world, targets, { action, reason: reason.trim(), resume_after })
  }
  return (
    <form onSubmit={submit}>
      {action === 'pause' && <ResumeIn minutes={minutes} onChange={setMinutes} />}
      <label>
        <span>
          Reason <span class="faint">(the runtime is told)</span>
        </span>
        <input
          value={reason}
          maxLength={500}
          autoFocus={action !== 'terminate'}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      {word !== undefined && <TypeToConfirm word={word} typed={typed} onChange={setTyped} />}
      <footer>
        <button type="button" class="quiet" onClick={dropOrder}>
          Cancel
        </button>
        <button
          type="submit"
          class={action === 'terminate' ? 'main danger' : 'main'}
          disabled={word !== undefined && typed.trim() !== word.trim()}
        >
          {verbs[action]}
          {agents.length > 1 ? ` ${plural(agents.length, 'agent')}` : ''}
        </button>
      </footer>
    </form>
  )
}

type Typing = { word: string; typed: string; onChange: (typed: string) => void }

export function TypeToConfirm({ word, typed, onChange }: Typing) {
  return (
    <label>
      <span>
        This cannot be undone. Type <b class="word">{word}</b> to confirm
      </span>
      <input
        value={typed}
        autoComplete="off"
        autoFocus
        data-confirm
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  )
}

const spans = [
  ['', 'When somebody resumes it'],
  ['5', 'In 5 minutes'],
  ['15', 'In 15 minutes'],
  ['60', 'In an hour'],
  ['480', 'In 8 hours'],
  ['1440', 'In a day'],
] as const

export function ResumeIn({ minutes, onChange }: { minutes: string; onChange: (minutes: string) => void }) {
  const isOwn = spans.every(([value]) => value !== minutes)
  return (
    <div class="resume-in">
      <label>
        Resume
        <select
          value={isOwn ? 'own' : minutes}
          onChange={({ currentTarget: { value } }) => onChange(value === 'own' ? '30' : value)}
        >
          {spans.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
          <option value="own">In … minutes</option>
        </select>
      </label>
      {isOwn && (
        <label>
          Minutes
          <input
            type="number"
            min="0.1"
            max="43200"
            step="any"
            required
            value={minutes}
            onInput={({ currentTarget }) => onChange(currentTarget.value)}
          />
        </label>
      )}
    </div>
  )
}
