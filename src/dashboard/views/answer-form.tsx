import type { TargetedFocusEvent } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import { useAppState } from '../app-state-context.ts'
import { Answers } from '../model/answers.ts'
import { readForm } from '../model/form.ts'
import type { InboxList } from '../model/inbox-list.ts'
import { type Asked, type Choice, sayNo, sayYes } from '../model/requests.ts'
import { AnswerField } from './answer-field.tsx'
import { answer, focusButton } from './inbox-keys.ts'

type Props = { list: InboxList; request: Asked }

/** The form that the agent asks for, its options, and a note. */
export function AnswerForm({ list, request }: Props) {
  const app = useAppState()
  const answers = Answers.of(app)
  const { response_schema, options } = request
  const draft = answers.draft(request)
  const fields = useMemo(() => (response_schema ? readForm(response_schema) : []), [response_schema])
  const give = (choice: Choice) => void answer({ app, list }, request, choice)
  const isTouched = useRef(false)
  const onKeyDown = (event: KeyboardEvent) => {
    if (isHeldPress(event)) return event.preventDefault()
    if (!isSubmission(event)) return
    event.preventDefault()
    // A second press of the Enter that opened the request is no answer.
    if (!isTouched.current && !event.ctrlKey && !event.metaKey) return
    // With options the answer is still open: the next Enter gives it.
    if (options) focusButton()
    else give({ status: 'resolved' })
  }
  const onFocusIn = ({ currentTarget, relatedTarget }: TargetedFocusEvent<HTMLFormElement>) => {
    if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) isTouched.current = false
  }
  const onInput = () => {
    isTouched.current = true
  }
  return (
    <form
      class="answer"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={onKeyDown}
      onFocusIn={onFocusIn}
      onInput={onInput}
      noValidate
    >
      {fields.length > 0 && (
        <div class="answer-fields">
          {fields.map((field) => (
            <AnswerField
              key={field.name}
              id={`answer-${request.id}-${field.name}`}
              field={field}
              value={draft.values.get(field.name)}
              mistake={draft.mistakes.get(field.name)}
              onChange={(value) => answers.fill(request, field.name, value)}
            />
          ))}
        </div>
      )}
      <label>
        Note to the agent (optional)
        <textarea
          rows={2}
          maxLength={2_000}
          value={draft.note}
          onInput={({ currentTarget }) => answers.edit(request, { note: currentTarget.value })}
        />
      </label>
      <ul class="problems" role="alert">
        {draft.problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      <Buttons request={request} isSending={draft.isSending} onGive={give} />
    </form>
  )
}

/** A button that is held down answers once; in a text area a held Enter still adds lines. */
function isHeldPress({ key, repeat, target }: KeyboardEvent): boolean {
  return repeat && (key === 'Enter' || key === ' ') && target instanceof HTMLButtonElement
}

/** Enter in a field of one line, and Ctrl+Enter anywhere. */
function isSubmission({ key, target, ctrlKey, metaKey, isComposing, repeat }: KeyboardEvent): boolean {
  if (key !== 'Enter' || isComposing || repeat || !(target instanceof Element)) return false
  return target.matches('input') || ((ctrlKey || metaKey) && target.matches('textarea, select'))
}

type ButtonsProps = { request: Asked; isSending: boolean; onGive: (choice: Choice) => void }

/** A disabled button would lose the focus: an answer that is on its way refuses another one itself. */
function Buttons({ request, isSending, onGive }: ButtonsProps) {
  const { options, response_schema } = request
  const [yes, no] = [optionOf(sayYes(request)), optionOf(sayNo(request))]
  return (
    <div class="answer-buttons" aria-busy={isSending}>
      {options?.map(({ id, label, kind }) => (
        <button
          key={id}
          type="button"
          class={id === yes ? 'main' : kind.startsWith('reject') ? 'danger' : ''}
          onClick={() => onGive({ status: 'resolved', option: id })}
        >
          {label}
          {id === yes && <kbd>y</kbd>}
          {id === no && <kbd>n</kbd>}
        </button>
      ))}
      {!options && (
        <button type="button" class="main" onClick={() => onGive({ status: 'resolved' })}>
          {response_schema ? 'Send' : 'Approve'}
          <kbd>y</kbd>
        </button>
      )}
      <button
        type="button"
        class={options ? 'quiet' : 'danger'}
        onClick={() => onGive({ status: 'cancelled' })}
      >
        {options ? 'None of these' : 'Deny'}
        {no === undefined && <kbd>n</kbd>}
      </button>
    </div>
  )
}

function optionOf(choice: Choice | undefined): string | undefined {
  return choice?.status === 'resolved' ? choice.option : undefined
}
