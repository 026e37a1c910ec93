import { say } from '../model/notices.ts'
import { Icon } from './icons.tsx'

/** An id or another code, with a button that copies it; `name` says what it is. */
export function Copyable({ name, text }: { name: string; text: string }) {
  return (
    <span class="copyable">
      <code>{text}</code>
      <button
        type="button"
        class="quiet square"
        aria-label={`Copy the ${name}`}
        onClick={() => void copy(name, text)}
      >
        <Icon name="copy" />
      </button>
    </span>
  )
}

/** Browsers let pages copy on https and on localhost only. */
export async function copy(name: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say('done', `Copied the ${name}`)
  } catch {
    say('problem', `Couldn't copy the ${name}: the browser does not allow it. Select it and copy it by hand.`)
  }
}
