import { eachItem, type Page, type PageQuery } from '#src/client/rest.ts'
import type { Cli } from './cli.ts'
import { flag, number } from './command.ts'
import { toTable } from './text.ts'

/** The options of every list. */
export const pageOptions = {
  page: number('--page <number>', 'which page, from 1'),
  limit: number('--limit <number>', 'how many on a page, up to 100'),
  all: flag('--all', 'every page'),
}

export type PageOptions = { page: number | undefined; limit: number | undefined; all: boolean }

type Columns<Item> = Record<string, (item: Item) => string>

/** Prints a page, or all of them: a column for each entry of `columns`. JSON is the body of the answer. */
export async function printList<Item>(
  cli: Cli,
  { columns, options }: { columns: Columns<Item>; options: PageOptions },
  list: (query: PageQuery) => Promise<Page<Item>>,
): Promise<void> {
  const { page, limit, all } = options
  const found = all ? await readAll(list) : await list({ page, limit })
  cli.print(found, () => {
    const rows = found.data.map((item) => Object.values(columns).map((read) => read(item)))
    return toTable(Object.keys(columns), rows).join('\n')
  })
  const { total, has_next } = found.pagination
  if (has_next)
    cli.note(`${found.data.length} of ${total}; --page ${(page ?? 1) + 1} goes on, --all shows them all`)
}

/** All pages as one. */
async function readAll<Item>(list: (query: Required<PageQuery>) => Promise<Page<Item>>): Promise<Page<Item>> {
  const data: Item[] = []
  for await (const item of eachItem(list)) data.push(item)
  const total = data.length
  return {
    data,
    pagination: { total, page: 1, page_size: total, total_pages: 1, has_next: false, has_prev: false },
  }
}
