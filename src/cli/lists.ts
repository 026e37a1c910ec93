import { eachItem, type Page, type PageQuery, type Step } from '#src/client/rest/rest.ts'
import type { Cli } from './cli.ts'
import { flag, number } from './command.ts'
import { toTable } from './text.ts'

/** The options of every list. */
export const pageOptions = {
  page: number('--page <number>', 'the page, from 1'),
  limit: number('--limit <number>', 'items on a page, at most 100'),
  all: flag('--all', 'all pages'),
}

export type PageOptions = { page: number | undefined; limit: number | undefined; all: boolean }

type List<Item> = (query: PageQuery) => Promise<Page<Item> | Step<Item>>

type Columns<Item> = Record<string, (item: Item) => string>

/** Prints one page or all pages, with a column for each entry of `columns`. JSON is the body of the answer. */
export async function printList<Item>(
  cli: Cli,
  { columns, options }: { columns: Columns<Item>; options: PageOptions },
  list: List<Item>,
): Promise<void> {
  const { page, limit, all } = options
  const result = all ? await readAll(list) : await list({ page, limit })
  cli.print(result, () => {
    const rows = result.data.map((item) => Object.values(columns).map((read) => read(item)))
    return toTable(Object.keys(columns), rows).join('\n')
  })
  if (!('pagination' in result)) return
  const { total, has_next } = result.pagination
  if (has_next)
    cli.note(
      `${result.data.length} of ${total}: --page ${(page ?? 1) + 1} shows the next page, --all shows everything`,
    )
}

/** Every item, as one page. */
async function readAll<Item>(list: List<Item>): Promise<Page<Item>> {
  const data: Item[] = []
  for await (const item of eachItem(list)) data.push(item)
  const total = data.length
  return {
    data,
    pagination: { total, page: 1, page_size: total, total_pages: 1, has_next: false, has_prev: false },
  }
}
