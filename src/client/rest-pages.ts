import type { Page, PageQuery } from './rest-types.ts'

const PAGE_SIZE = 100

/** Every item of a list, page by page: `eachItem((page) => api.agents.list(project_id, { ...page, status }))`. */
export async function* eachItem<Item>(
  list: (query: Required<PageQuery>) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  for (let page = 1; ; page++) {
    const { data, pagination } = await list({ page, limit: PAGE_SIZE })
    yield* data
    if (!pagination.has_next) return
  }
}
