/** Any JSON value, to open and close. Everything in it is shown as text. */
export function Json({ value, name, isOpen = true }: { value: unknown; name?: string; isOpen?: boolean }) {
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="json-line">
        <Name name={name} />
        <span class={`json-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    )
  }
  const entries = Object.entries(value)
  const [start, end] = Array.isArray(value) ? '[]' : '{}'
  if (entries.length === 0) {
    return (
      <div class="json-line">
        <Name name={name} />
        {start}
        {end}
      </div>
    )
  }
  return (
    <details class="json" open={isOpen}>
      <summary>
        <Name name={name} />
        {start}
        <span class="json-size">{entries.length}</span>
        {end}
      </summary>
      <div class="json-inside">
        {entries.slice(0, MAX_SHOWN).map(([key, inner]) => (
          <Json key={key} name={key} value={inner} isOpen={entries.length <= OPEN_UP_TO} />
        ))}
        {entries.length > MAX_SHOWN && <div class="faint">and {entries.length - MAX_SHOWN} more</div>}
      </div>
    </details>
  )
}

/** A value with more entries starts closed; entries beyond `MAX_SHOWN` are only counted. */
const OPEN_UP_TO = 20
const MAX_SHOWN = 500

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span class="json-name">{name}: </span>
}
