import { type ComponentChildren, createContext } from 'preact'
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks'
import { type Problem, problemsOf } from '../model/problems.ts'
import { focusFirst, focusToReplace } from './dialog.tsx'

type Props = {
  submit: string
  /** Without it, the form is no dialog's and has nothing to cancel. */
  onCancel?: (() => void) | undefined
  /** Rejects with the server's error, which the form shows. */
  onSubmit: (fields: FormData) => Promise<unknown>
  /** What is submitted cannot be taken back. */
  isDanger?: boolean
  /** What is needed is still missing. */
  isDisabled?: boolean
  children?: ComponentChildren
}

/** What is wrong with each field of the form. */
const FieldProblems = createContext<ReadonlyMap<string, string>>(new Map())

/** A form that stays open after a refusal, and shows what is wrong at the fields, and below them what has no field. */
export function Form({ submit, onCancel, onSubmit, isDanger = false, isDisabled = false, children }: Props) {
  const [problems, setProblems] = useState<readonly Problem[]>([])
  const [isBusy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // It may come later than its dialog. Of several forms of a page, the first one gets the focus.
  useEffect(() => {
    if (!document.activeElement?.closest('form')) focusFirst(form.current)
  }, [])
  useEffect(() => focusToReplace(form.current?.querySelector<HTMLElement>('[aria-invalid=true]')), [problems])
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement))
      setProblems([])
    } catch (error) {
      setProblems(problemsOf(error))
    } finally {
      setBusy(false)
    }
  }
  const atFields = problems.filter(({ field }) => form.current?.querySelector(`[data-problem="${field}"]`))
  return (
    <form ref={form} onSubmit={send}>
      <FieldProblems.Provider value={new Map(atFields.map(({ field, message }) => [field ?? '', message]))}>
        {children}
      </FieldProblems.Provider>
      <ul class="problems" role="alert">
        {problems
          .filter((problem) => !atFields.includes(problem))
          .map(withField)
          .map((text) => (
            <li key={text}>{text}</li>
          ))}
      </ul>
      <footer>
        {onCancel && (
          <button type="button" class="quiet" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class={isDanger ? 'main danger' : 'main'} disabled={isBusy || isDisabled}>
          {submit}
        </button>
      </footer>
    </form>
  )
}

/** Everything that is wrong, in words. */
export function describe(error: unknown): string[] {
  return problemsOf(error).map(withField)
}

function withField({ field, message }: Problem): string {
  return field ? `${field.replaceAll('_', ' ')}: ${message}` : message
}

type ControlProps = { id: string; name: string; 'aria-invalid': boolean; 'aria-describedby': string }

type LabelledProps = {
  label: string
  name: string
  hint?: string | undefined
  /** The control, which gets what is wrong with it. */
  children: (props: ControlProps) => ComponentChildren
}

/** A control with its label, and with what is wrong with it. */
export function Labelled({ label, name, hint, children }: LabelledProps) {
  const [id, problemId] = [useId(), useId()]
  const problem = useContext(FieldProblems).get(name)
  return (
    <div class="field">
      <label htmlFor={id}>
        <span>
          {label} {hint && <span class="faint">({hint})</span>}
        </span>
      </label>
      {children({ id, name, 'aria-invalid': problem !== undefined, 'aria-describedby': problemId })}
      <span class="problems" id={problemId} role="alert" data-problem={name}>
        {problem}
      </span>
    </div>
  )
}

type FieldProps = {
  label: string
  name: string
  /** What it begins with; a change of it shows until the user types. */
  value?: string | undefined
  hint?: string | undefined
  placeholder?: string
  isRequired?: boolean
  inputMode?: 'decimal' | 'numeric' | 'email' | 'url'
  autoComplete?: 'off' | 'name'
  onInput?: (value: string) => void
}

export function Field({ label, name, value, hint, isRequired, ...props }: FieldProps) {
  const { autoComplete = 'off', inputMode, placeholder, onInput } = props
  return (
    <Labelled label={label} name={name} hint={hint}>
      {(control) => (
        <input
          {...control}
          type="text"
          inputMode={inputMode}
          placeholder={placeholder}
          defaultValue={value}
          required={isRequired}
          autoComplete={autoComplete}
          onInput={onInput && (({ currentTarget }) => onInput(currentTarget.value))}
        />
      )}
    </Labelled>
  )
}

type PasswordProps = Pick<FieldProps, 'label' | 'name' | 'hint'> & { isNew?: boolean }

export function PasswordField({ label, name, hint, isNew = false }: PasswordProps) {
  return (
    <Labelled label={label} name={name} hint={hint}>
      {(control) => (
        <input
          {...control}
          type="password"
          required
          autoComplete={isNew ? 'new-password' : 'current-password'}
        />
      )}
    </Labelled>
  )
}

type ChoiceProps = {
  label: string
  name: string
  choices: readonly (readonly [value: string, label: string])[]
  value?: string | undefined
  hint?: string
  onChange?: (value: string) => void
}

/** A choice of a form. */
export function Choice({ label, name, choices, value, hint, onChange }: ChoiceProps) {
  return (
    <Labelled label={label} name={name} hint={hint}>
      {(control) => (
        <select
          {...control}
          defaultValue={value}
          onChange={onChange && (({ currentTarget }) => onChange(currentTarget.value))}
        >
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  )
}

/** The trimmed input of a field; undefined if it is empty. */
export function typed(fields: FormData, name: string): string | undefined {
  return String(fields.get(name) ?? '').trim() || undefined
}
