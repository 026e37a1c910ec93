/** Before every id, where a walk in the order of ids begins. */
export const LOWEST_ID = '00000000-0000-0000-0000-000000000000'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether a reference is an id, and no name. */
export function isId(reference: string): boolean {
  return uuid.test(reference)
}
