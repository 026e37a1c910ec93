import type { Signal } from '@preact/signals'
import { canAlert } from '../model/alerts.ts'
import {
  alertings,
  alerts,
  densities,
  density,
  shownZone,
  theme,
  themes,
  wordOf,
  zones,
} from '../model/settings.ts'

export function Preferences() {
  return (
    <div class="preferences">
      <Choice label="Theme" setting={theme} values={themes} />
      <Choice label="Density" setting={density} values={densities} />
      <Choice label="Times" setting={shownZone} values={zones} />
      {canAlert && <Choice label="Notify of requests" setting={alerts} values={alertings} />}
    </div>
  )
}

type Props<Value extends string> = { label: string; setting: Signal<Value>; values: readonly Value[] }

function Choice<Value extends string>({ label, setting, values }: Props<Value>) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {values.map((value) => (
        <label key={value} class={setting.value === value ? 'chosen' : ''}>
          <input
            type="radio"
            name={label}
            value={value}
            checked={setting.value === value}
            onChange={() => {
              setting.value = value
            }}
          />
          {wordOf(value)}
        </label>
      ))}
    </fieldset>
  )
}
