import type { ComponentChildren } from 'preact'
import { FieldError } from '../model/problems.ts'
import { Dialog } from './dialog.tsx'
import { Field, Form, typed } from './fields.tsx'

type Props = {
  title: string
  submit: string
  /** What has to be typed, for what nobody should do by mistake. */
  word?: string
  onClose: () => void
  /** Rejects with the server's error, which the dialog shows. */
  onConfirm: () => Promise<unknown>
  children: ComponentChildren
}

/** Asks before something is done that ends something; closes once it is done. */
export function Confirm({ title, submit, word, onClose, onConfirm, children }: Props) {
  const confirm = async (fields: FormData) => {
    if (word !== undefined && typed(fields, 'word') !== word)
      throw new FieldError('word', `Type ${word} to confirm`)
    await onConfirm()
    onClose()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <Form submit={submit} isDanger onCancel={onClose} onSubmit={confirm}>
        <div>{children}</div>
        {word !== undefined && <Field label={`Type ${word} to confirm`} name="word" isRequired />}
      </Form>
    </Dialog>
  )
}
