/** These move the focus themselves. */
const OWN = '[data-grid], .inbox'
const FOCUSABLE = 'a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, [tabindex="0"]'
const HEADINGS = 'h1, h2, h3, h4'

/** The focused control, and for each ancestor the index of the child that leads to it. */
type Held = { element: Element; way: { parent: Element; index: number }[]; path: string | undefined }

/**
 * When the focused control leaves the page, the focus goes to what has replaced it, else to the heading of its section; one
 * that was disabled gets it back. Otherwise it would fall to the body, and the next Tab would begin at the top. Returns a
 * function that ends it.
 */
export function keepFocus(): () => void {
  let held: Held | undefined
  const observer = new MutationObserver(() => {
    if (!held || !isLost()) return
    const lost = held
    // Giving the focus back fires `focusin`, which holds it again.
    held = undefined
    if (!mend(lost)) held = lost
  })
  const onFocusIn = ({ target }: FocusEvent) => {
    observer.disconnect()
    held = target instanceof Element && !target.closest(OWN) ? hold(target) : undefined
    if (held) observer.observe(document.body, OBSERVED)
  }
  const onFocusOut = ({ target }: FocusEvent) => {
    // A control that leaves the page may lose the focus before it is gone.
    setTimeout(() => {
      const isOfUser = target instanceof Element && target.isConnected && !target.matches(':disabled')
      if (isOfUser && held?.element === target && isLost()) held = undefined
    })
  }
  document.addEventListener('focusin', onFocusIn)
  document.addEventListener('focusout', onFocusOut)
  return () => {
    observer.disconnect()
    document.removeEventListener('focusin', onFocusIn)
    document.removeEventListener('focusout', onFocusOut)
  }
}

const OBSERVED = { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] }

const pathOf = (): string | undefined => location.hash.split('?')[0]

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body
}

function hold(element: Element): Held {
  const way: Held['way'] = []
  for (let child = element; child.parentElement; child = child.parentElement) {
    way.push({ parent: child.parentElement, index: [...child.parentElement.children].indexOf(child) })
  }
  return { element, way, path: pathOf() }
}

/** Returns whether that has ended. Another page sees to its focus itself, and so does a dialog that closes. */
function mend({ element, way, path }: Held): boolean {
  if (path !== pathOf()) return true
  if (element.isConnected) {
    if (element instanceof HTMLElement && !element.matches(':disabled')) element.focus()
    return !isLost()
  }
  if (element.closest('dialog')) return true
  const place = way.find(({ parent }) => parent.isConnected)
  const target = (place && findReplacement(place)) ?? document.getElementById('main')
  target?.focus({ preventScroll: true })
  return true
}

function findReplacement({ parent, index }: Held['way'][number]): HTMLElement | undefined {
  const { children } = parent
  const beside = children[index] ?? children[index - 1]
  const control = beside?.matches(FOCUSABLE) ? beside : beside?.querySelector(FOCUSABLE)
  if (control instanceof HTMLElement) return control
  const heading = parent.closest('section, article, .page')?.querySelector<HTMLElement>(HEADINGS)
  if (heading) heading.tabIndex = -1
  return heading ?? undefined
}
