import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { raiseNotices } from './notices.tsx'

type Props = {
  title: string
  /** A look of its own, in the style sheet. */
  kind?: string
  onClose: () => void
  children: ComponentChildren
}

/** A modal dialog: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, kind, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = element.current
    const opener = document.activeElement
    if (dialog && !dialog.open) dialog.showModal()
    raiseNotices()
    // The browser has chosen the cross, and an early Enter must not close what is still loading.
    dialog?.focus()
    focusFirst(dialog)
    return () => {
      dialog?.close()
      giveBackFocus(opener)
    }
  }, [])
  return (
    <dialog ref={element} class={kind} tabIndex={-1} aria-labelledby={id} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet square" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  )
}

const FIRST = 'input:not([type=radio], [type=checkbox]), select, textarea'

/** What is marked as first, else the first field; without one, the main button. Never the cross that closes. */
export function focusFirst(root: Element | null): void {
  const marked = root?.querySelector<HTMLElement>('[data-first]')
  const first = marked ?? root?.querySelector<HTMLElement>(FIRST) ?? root?.querySelector<HTMLElement>('.main')
  focusToReplace(first)
}

/** As with Tab, the text of a field is selected, so that typing replaces it. */
export function focusToReplace(element: HTMLElement | null | undefined): void {
  // By default the browser moves it to the middle, and the title of a dialog out of sight.
  element?.focus({ preventScroll: true })
  element?.scrollIntoView({ block: 'nearest' })
  if (element instanceof HTMLInputElement) element.select()
}

/**
 * The dialog has left the page by now, so the browser does not do it. A button of a row may be gone, or go with the answer: then
 * the list gets the keys.
 */
function giveBackFocus(opener: Element | null): void {
  const isHere = opener instanceof HTMLElement && opener.isConnected && opener !== document.body
  const isLasting = isHere && !opener.closest('.bulk, [data-grid]')
  const list = document.querySelector<HTMLElement>('[data-grid]') ?? document.getElementById('main')
  const next = isLasting ? opener : list
  next?.focus({ preventScroll: true })
}
