import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { Form } from './fields.tsx'
import { isTyped, TypeToConfirm } from './type-to-confirm.tsx'

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
  const [typed, setTyped] = useState('')
  const confirm = async () => {
    await onConfirm()
    onClose()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <Form submit={submit} isDanger isDisabled={!isTyped(word, typed)} onCancel={onClose} onSubmit={confirm}>
        <div>{children}</div>
        {word !== undefined && <TypeToConfirm word={word} typed={typed} onChange={setTyped} />}
      </Form>
    </Dialog>
  )
}
