import { plural } from '../model/format.ts'

/** Whether an order reaches the descendants too. */
export function WithDescendants(props: {
  /** How many agents are ordered, and how many below them. */
  count: number
  below: number
  isChosen: boolean
  onChange: (isChosen: boolean) => void
}) {
  const { count, below, isChosen, onChange } = props
  if (below === 0) return null
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isChosen}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      With {count === 1 ? 'its' : 'their'} {plural(below, 'descendant')}
    </label>
  )
}

const spans = [
  ['5', 'In 5 minutes'],
  ['15', 'In 15 minutes'],
  ['60', 'In an hour'],
  ['480', 'In 8 hours'],
  ['1440', 'In a day'],
] as const

type ResumeProps = {
  minutes: string
  /** What no minutes mean. */
  unset: string
  onChange: (minutes: string) => void
}

export function ResumeIn({ minutes, unset, onChange }: ResumeProps) {
  const isOwn = minutes !== '' && spans.every(([value]) => value !== minutes)
  return (
    <div class="resume-in">
      <label>
        Resume
        <select
          value={isOwn ? 'own' : minutes}
          onChange={({ currentTarget: { value } }) => onChange(value === 'own' ? '30' : value)}
        >
          <option value="">{unset}</option>
          {spans.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
          <option value="own">Custom…</option>
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
