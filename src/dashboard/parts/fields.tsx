import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '#src/client/rest/rest.ts'
import { focusFirst } from './dialog.tsx'

type Props = {
  submit: string
  onCancel: () => void
  /** Rejects with the server's error, which the form shows. */
  onSubmit: (fields: FormData) => Promise<unknown>
  children: ComponentChildren
}

/** A form that stays open after a refusal, and shows everything that is wrong. */
export function Form({ submit, onCancel, onSubmit, children }: Props) {
  const [problems, setProblems] = useState<string[]>([])
  const [isBusy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // It may come later than its dialog.
  useEffect(() => focusFirst(form.current), [])
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement))
    } catch (error) {
      setProblems(describe(error))
      setBusy(false)
    }
  }
  return (
    <form ref={form} onSubmit={send}>
      {children}
      <ul class="problems" role="alert">
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      <footer>
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="main" disabled={isBusy}>
          {submit}
        </button>
      </footer>
    </form>
  )
}

/** Everything that is wrong, in words. */
export function describe(error: unknown): string[] {
  if (!(error instanceof ApiError)) return [error instanceof Error ? error.message : String(error)]
  return error.errors.map(({ field, message }) =>
    field ? `${field.replaceAll('_', ' ')}: ${message}` : message,
  )
}

type FieldProps = {
  label: string
  name: string
  value?: string | undefined
  hint?: string
  isRequired?: boolean
  inputMode?: 'decimal' | 'numeric'
}

export function Field({ label, name, value, hint, isRequired, inputMode }: FieldProps) {
  return (
    <label>
      <span>
        {label} {hint && <span class="faint">({hint})</span>}
      </span>
      <input
        name={name}
        defaultValue={value}
        required={isRequired}
        inputMode={inputMode}
        autoComplete="off"
      />
    </label>
  )
}

/** The trimmed input of a field; undefined if it is empty. */
export function typed(fields: FormData, name: string): string | undefined {
  return String(fields.get(name) ?? '').trim() || undefined
}
