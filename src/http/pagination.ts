export type Page = { page: number; limit: number }

/** The body of every list (REST contract: `pagination`). `page_size` is the number of items on this page. */
export function paginated<Item>(data: readonly Item[], page: Page & { total: number }) {
  return { data, pagination: describePage(data.length, page) }
}

export function describePage(page_size: number, { page, limit, total }: Page & { total: number }) {
  const total_pages = Math.ceil(total / limit)
  return { total, page, page_size, total_pages, has_next: page < total_pages, has_prev: page > 1 }
}

export function offsetOf({ page, limit }: Page): number {
  return (page - 1) * limit
}

/** For MikroORM: newest first, and a stable order among the equally new. */
export function newestFirst(page: Page) {
  return {
    limit: page.limit,
    offset: offsetOf(page),
    orderBy: [{ created_at: 'desc' as const }, { id: 'desc' as const }],
  }
}
