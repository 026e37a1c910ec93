const calm = new URL('../icon.svg', import.meta.url).href
const alarmed = new URL('../icon-alert.svg', import.meta.url).href

/** The icon of the tab: with a red light while an agent needs attention. */
export function showIcon(isAlarmed: boolean): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
  const href = isAlarmed ? alarmed : calm
  if (link && link.href !== href) link.href = href
}
