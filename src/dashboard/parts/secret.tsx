import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

const COPIED_MS = 3_000

/** Copies a text. Without the browser's clipboard, which needs https or localhost, it selects the text of `from`. */
export function CopyButton({
  text,
  label,
  from,
}: {
  text: string
  label: string
  from: () => Element | null
}) {
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    const timer = setTimeout(() => setSaid(undefined), COPIED_MS)
    return () => clearTimeout(timer)
  }, [said])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      const source = from()
      if (source) getSelection()?.selectAllChildren(source)
      setSaid('Press Ctrl+C')
    }
  }
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      <span aria-live="polite">{said ?? 'Copy'}</span>
      {!said && <span class="hidden"> {label}</span>}
    </button>
  )
}

/** Something to copy; a secret is only in memory, as long as it is in sight. */
export function CopyField({ label, text }: { label: string; text: string }) {
  const code = useRef<HTMLElement>(null)
  return (
    <div class="copy-field">
      <span class="copy-field-label">{label}</span>
      <code ref={code} translate={false}>
        {text}
      </code>
      <CopyButton text={text} label={label} from={() => code.current} />
    </div>
  )
}

type ShownOnceProps = { label: string; text: string; onDone: () => void; children?: ComponentChildren }

/** The end of a dialog that has made a secret. */
export function ShownOnce({ label, text, onDone, children }: ShownOnceProps) {
  const body = useRef<HTMLDivElement>(null)
  // The form that had the focus is gone.
  useEffect(() => body.current?.querySelector('button')?.focus(), [])
  return (
    <div class="dialog-body" ref={body}>
      <CopyField label={label} text={text} />
      <p>Store it now: it is not shown again.</p>
      {children}
      <footer>
        <button type="button" class="main" onClick={onDone}>
          Done
        </button>
      </footer>
    </div>
  )
}
