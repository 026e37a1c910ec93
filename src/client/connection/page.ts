/** Browsers have these, Node does not. */
type Page = Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & { location: { origin: string } }
export const page: Partial<Page> = globalThis as object

/** The server's WebSocket; an empty URL means the page's own server. Throws a TypeError for an invalid URL. */
export function socketUrl(url: string): string {
  const base = url || (page.location?.origin ?? '')
  return new URL(`${base.replace(/^http/, 'ws').replace(/\/+$/, '')}/api/v1/ws`).href
}
