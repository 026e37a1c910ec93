import type { Page, Step } from './types.ts'

const PAGE_SIZE = 100

type Walk = { limit: number } & ({ cursor: string } | { page: number })

/**
 * Every item of a list: `eachItem((page) => api.agents.list(project_id, { ...page, status }))`. An item that exists and
 * matches all the time comes exactly once, whatever else changes. An older server without cursors is read by pages.
 */
export async function* eachItem<Item>(
  list: (query: Walk) => Promise<Page<Item> | Step<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let next: Walk | undefined = { cursor: '', limit: PAGE_SIZE }
  while (next) {
    const answer: Page<Item> | Step<Item> = await list(next)
    yield* answer.data
    next = nextOf(answer)
  }
}

function nextOf<Item>(answer: Page<Item> | Step<Item>): Walk | undefined {
  if ('next_cursor' in answer)
    return answer.next_cursor === null ? undefined : { cursor: answer.next_cursor, limit: PAGE_SIZE }
  const { has_next, page } = answer.pagination
  return has_next ? { page: page + 1, limit: PAGE_SIZE } : undefined
}
