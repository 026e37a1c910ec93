import { useEffect } from 'preact/hooks'
import { dismiss, type NoticeAction, notices } from '../model/notices.ts'
import { place, projectOf } from '../model/route.ts'
import { Icon } from './icons.tsx'

const ID = 'notices'

/** A popover is above the dialogs that were open before it, so it opens again with each notice and each dialog. */
export function raiseNotices(): void {
  const popover = document.getElementById(ID)
  if (!popover?.showPopover) return
  if (popover.matches(':popover-open')) popover.hidePopover()
  if (notices.peek().length > 0) popover.showPopover()
}

export function Notices() {
  const shown = notices.value
  const newest = shown.at(-1)?.id
  useEffect(raiseNotices, [newest])
  return (
    <div id={ID} class="notices" role="status" aria-live="polite" popover="manual">
      {shown.map(({ id, kind, text, link, action }) => (
        <div key={id} class={`notice notice-${kind}`}>
          <span>{text}</span>
          {action && <Action id={id} action={action} />}
          {link !== undefined && (
            <a href={link} onClick={() => dismiss(id)}>
              Show
            </a>
          )}
          <button type="button" class="quiet square" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  )
}

function Action({ id, action }: { id: number; action: NoticeAction }) {
  const { label, run, project_id } = action
  if (project_id !== undefined && project_id !== projectOf(place.value)) return null
  const act = () => {
    dismiss(id)
    run()
  }
  return (
    <button type="button" class="quiet notice-action" onClick={act}>
      {label}
    </button>
  )
}
