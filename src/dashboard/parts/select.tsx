type Props = {
  label: string
  /** Undefined shows everything, as `all` says. */
  value: string | undefined
  all?: string
  choices: readonly (readonly [value: string, label: string])[]
  onChange: (value: string) => void
}

/** A choice, without words beside it. A value from a link may be none of the choices. */
export function Select({ label, value, all, choices, onChange }: Props) {
  const isUnknown = value !== undefined && !choices.some(([choice]) => choice === value)
  return (
    <label>
      <span class="hidden">{label}</span>
      <select value={value ?? ''} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {isUnknown && <option value={value}>{`${label} ${value.slice(-6)}`}</option>}
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}
