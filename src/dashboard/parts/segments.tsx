type Props<Value extends string> = {
  legend: string
  name: string
  value: Value
  choices: readonly (readonly [value: Value, label: string])[]
  onChange: (value: Value) => void
}

/** A choice of a few, all in sight. */
export function Segments<Value extends string>({ legend, name, value, choices, onChange }: Props<Value>) {
  return (
    <fieldset class="segments">
      <legend class="hidden">{legend}</legend>
      {choices.map(([choice, label]) => (
        <label key={choice} class={value === choice ? 'chosen' : ''}>
          <input
            type="radio"
            name={name}
            value={choice}
            checked={value === choice}
            onChange={() => onChange(choice)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  )
}
