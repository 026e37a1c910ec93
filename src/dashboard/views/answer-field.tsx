import type { ShownField, Value } from '../model/form.ts'
import { zone } from '../model/zone.ts'

type Props = {
  id: string
  field: ShownField
  value: Value | undefined
  mistake: string | undefined
  onChange: (value: Value | undefined) => void
}

/** A field of an agent's form, with what is wrong with it. */
export function AnswerField(props: Props) {
  const { id, field, mistake } = props
  const { kind, label, description, hint, isRequired } = field
  const name = (
    <span>
      {label}{' '}
      <span class="faint">
        {[!isRequired && kind !== 'flag' && 'optional', hint].filter(Boolean).join(', ')}
      </span>
    </span>
  )
  return (
    <div class="answer-field">
      {kind === 'many' && (
        <fieldset aria-describedby={`${id}-more`}>
          <legend>{name}</legend>
          <Choices {...props} />
        </fieldset>
      )}
      {kind === 'flag' && (
        <label class="check" htmlFor={id}>
          <Input {...props} />
          {name}
        </label>
      )}
      {kind !== 'many' && kind !== 'flag' && (
        <label htmlFor={id}>
          {name}
          <Input {...props} />
        </label>
      )}
      <div id={`${id}-more`}>
        {kind === 'date-time' && <p class="faint">{zone.value === 'utc' ? 'In UTC' : 'In your time zone'}</p>}
        {description && <p class="faint">{description}</p>}
        {mistake !== undefined && <p class="problems">{mistake}</p>}
      </div>
    </div>
  )
}

const attributes: Partial<Record<ShownField['kind'], object>> = {
  number: { inputMode: 'decimal' },
  email: { type: 'email' },
  uri: { type: 'url' },
  date: { type: 'date' },
  'date-time': { type: 'datetime-local', step: 1 },
}

/** The mistakes are the server's own: the browser's checks differ. */
function Input({ id, field, value, mistake, onChange }: Props) {
  const { kind, isRequired } = field
  const common = {
    id,
    'aria-invalid': mistake !== undefined,
    'aria-describedby': `${id}-more`,
    ...(kind !== 'flag' && { 'aria-required': isRequired }),
  }
  const text = typeof value === 'string' ? value : ''
  if (kind === 'flag') {
    return (
      <input
        {...common}
        type="checkbox"
        checked={value === true}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
    )
  }
  if (kind === 'one') return <OneChoice common={common} field={field} value={value} onChange={onChange} />
  if (kind === 'lines') {
    return (
      <textarea
        {...common}
        rows={4}
        value={text}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    )
  }
  return (
    <input
      {...common}
      {...attributes[kind]}
      autoComplete="off"
      value={text}
      onInput={({ currentTarget }) => onChange(currentTarget.value)}
    />
  )
}

type OneProps = Pick<Props, 'field' | 'value' | 'onChange'> & { common: { id: string } }

/** The list is by position: a choice may be an empty text. */
function OneChoice({ common, field, value, onChange }: OneProps) {
  const chosen = field.choices.findIndex((choice) => choice.value === value)
  return (
    <select
      {...common}
      value={chosen < 0 ? '' : String(chosen)}
      onChange={({ currentTarget }) =>
        onChange(currentTarget.value === '' ? undefined : field.choices[Number(currentTarget.value)]?.value)
      }
    >
      <option value="">–</option>
      {field.choices.map(({ value: choice, label }, index) => (
        <option key={choice} value={String(index)}>
          {label}
        </option>
      ))}
    </select>
  )
}

function Choices({ field, value, mistake, onChange }: Props) {
  const chosen = Array.isArray(value) ? value : []
  const toggle = (choice: string) =>
    onChange(chosen.includes(choice) ? chosen.filter((other) => other !== choice) : [...chosen, choice])
  return field.choices.map(({ value: choice, label }) => (
    <label key={choice} class="check">
      <input
        type="checkbox"
        aria-invalid={mistake !== undefined}
        checked={chosen.includes(choice)}
        onChange={() => toggle(choice)}
      />
      {label}
    </label>
  ))
}
