import { type ActionName, actionRow, type Mode } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { modeWords } from '../model/causes.ts'
import { plural } from '../model/format.ts'

type Props = {
  action: ActionName
  /** Undefined: the default. */
  mode: Mode | undefined
  agents: Iterable<AgentSummary>
  onChange: (mode: Mode | undefined) => void
}

/** How soon the runtimes are to obey; nothing for an action without modes. */
export function ModeChoice({ action, mode, agents, onChange }: Props) {
  const { modes } = actionRow(action)
  const [usual] = modes
  if (usual === undefined) return null
  const unable = mode === 'interrupt' ? countUnable(agents) : 0
  return (
    <label>
      When
      <select
        value={mode ?? usual}
        onChange={({ currentTarget: { value } }) =>
          onChange(modes.find((name) => name === value && name !== usual))
        }
      >
        {modes.map((name) => (
          <option key={name} value={name}>
            {modeWords[name]}
          </option>
        ))}
      </select>
      {unable > 0 && (
        <span class="faint">
          {plural(unable, 'connected runtime')} can't be interrupted, and will stop at the next checkpoint.
        </span>
      )}
    </label>
  )
}

function countUnable(agents: Iterable<AgentSummary>): number {
  let count = 0
  for (const { runtime } of agents) {
    if (runtime.connected && !runtime.capabilities.includes('interrupt')) count++
  }
  return count
}
