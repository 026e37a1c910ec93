import { effect } from '@preact/signals'
import { links } from './links.ts'
import type { Asked } from './requests.ts'
import { goTo } from './route.ts'
import { alerts } from './settings.ts'

/** Some browsers have no notifications, or none on pages without https. */
export const canAlert = 'Notification' in globalThis

// The browser asks its user once, upon the click that turns them on.
effect(() => {
  if (canAlert && alerts.value === 'on' && Notification.permission === 'default') {
    void Notification.requestPermission()
  }
})

const MAX_BODY = 200

/** Notifies of a new request while the page is out of sight; several tabs show one notification. */
export function alertOf({ id, project_id, agent_name, message }: Asked): void {
  if (!canAlert || alerts.value !== 'on' || !document.hidden || Notification.permission !== 'granted') return
  try {
    const shown = new Notification(`${agent_name} asks`, { body: message.slice(0, MAX_BODY), tag: id })
    shown.onclick = () => {
      window.focus()
      goTo(links.request(project_id, id))
      shown.close()
    }
  } catch {
    // Phones have notifications for service workers only.
  }
}
