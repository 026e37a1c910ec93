/** Browsers have these, Node has not. */
type Page = Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & { location: { origin: string } }
export const page: Partial<Page> = globalThis as object

/** Where the server's WebSocket is; for an empty URL, that of the page itself. Throws a TypeError for no URL at all. */
export function socketUrl(url: string): string {
  const base = url || (page.location?.origin ?? '')
  return new URL(`${base.replace(/^http/, 'ws').replace(/\/+$/, '')}/api/v1/ws`).href
}
