import { useAppState } from '../app-state-context.ts'
import type { InboxList } from '../model/inbox-list.ts'
import { links } from '../model/links.ts'
import { type Asked, sayEndingAndActor, sayReason } from '../model/requests.ts'
import { withQuery } from '../model/route.ts'
import { Ago, Until } from '../parts/marks.tsx'

type Props = { list: InboxList; request: Asked; isCurrent: boolean }

export function InboxRow({ list, request, isCurrent }: Props) {
  const app = useAppState()
  const { id, project_id, agent_name, reason, message, state, created_at, ended_at, expires_at } = request
  const open = (event: MouseEvent) => {
    // The browser opens its own tab.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    list.show(request)
    list.open(request)
  }
  return (
    <a
      id={`request-${id}`}
      class={`inbox-row inbox-row-${state}`}
      href={withQuery(links.request(project_id, id))}
      aria-current={isCurrent ? 'true' : undefined}
      tabIndex={isCurrent ? 0 : -1}
      onClick={open}
    >
      <span class="inbox-who">
        <b>{agent_name}</b> <span class="faint">{app.project(project_id)?.name ?? request.project_name}</span>
      </span>
      <span class="inbox-when">
        <Ago time={ended_at ?? created_at} />
      </span>
      <span class="inbox-message">{message}</span>
      <span class="inbox-foot">
        <span class="label">{sayReason(reason)}</span>
        {state !== 'open' && (
          <span>{sayEndingAndActor(request, (actor) => app.permissions.nameOf(actor))}</span>
        )}
        {state === 'open' && expires_at && <Until time={expires_at} />}
      </span>
    </a>
  )
}
