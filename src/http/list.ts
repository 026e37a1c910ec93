import type * as v from 'valibot'
import { type CursorOf, openCursor, sealCursor } from '#src/auth/cursors.ts'
import { refuse } from '#src/domain/errors.ts'
import { listOf, type pageQuery } from '#src/protocol/resources.ts'
import type { Listed, PageRange, Position } from '#src/store/page.ts'
import { defineRoute, type Route, type RouteInput, type RouteSpec } from './route.ts'

type ListQuery = v.InferOutput<typeof pageQuery>

type ListSpec<Path extends string, Query extends v.GenericSchema, Item> = Pick<
  RouteSpec<Path>,
  'path' | 'operation_id' | 'summary' | 'tag' | 'limit' | 'access'
> & {
  query: Query
  item: v.GenericSchema
  /** As in "Users, newest first". */
  description: string
  read: (input: RouteInput<Path, Query, undefined>, range: PageRange) => Promise<Listed<Item>>
}

/** A list of the REST contract, in numbered pages or as a walk with a cursor. */
export function defineList<
  const Path extends string,
  Query extends v.GenericSchema<unknown, ListQuery>,
  Item,
>({ item, description, read, ...spec }: ListSpec<Path, Query, Item>): Route {
  return defineRoute<Path, Query>({
    ...spec,
    method: 'get',
    success: { status: 200, schema: listOf(item), description },
    async handle(input) {
      const place = placeOf(spec.operation_id, input)
      const listed = await read(input, place.range)
      return { data: listed.rows, ...place.describe(listed, listed.rows.length) }
    },
  })
}

type Asked = Pick<RouteInput<string, undefined, undefined>, 'params' | 'context'> & { query: ListQuery }
type End = { total: number } | { next: Position | null }

/** The range of a list that a request reads, and the part of the answer beside the data: `pagination` or `next_cursor`. */
export function placeOf(
  operation_id: string,
  { params, context: { keys, clock }, query }: Asked,
): { range: PageRange; describe: (end: End, page_size: number) => object } {
  const { page, limit, cursor, ...filter } = query
  const number = page ?? 1
  const place = JSON.stringify([operation_id, params, filter])
  if (cursor !== undefined && page !== undefined) {
    throw refuse('invalid', 'Must not be given together with page', 'cursor')
  }
  return {
    range: cursor === undefined ? { limit, offset: (number - 1) * limit } : { limit, after: readCursor() },
    describe: (end, page_size) =>
      'total' in end
        ? { pagination: describePage({ page: number, limit, page_size, total: end.total }) }
        : { next_cursor: end.next && sealCursor(end.next, cursorOf()) },
  }

  function cursorOf(): CursorOf {
    return { context: place, keys, now: Date.parse(clock()) }
  }

  function readCursor(): Position | null {
    if (!cursor) return null
    const opened = openCursor(cursor, cursorOf())
    if (typeof opened === 'string') throw refuse('invalid', opened, 'cursor')
    return opened
  }
}

type Page = { page: number; limit: number; page_size: number; total: number }

/** `page_size` is the number of items on this page. */
function describePage({ page, limit, page_size, total }: Page) {
  const total_pages = Math.ceil(total / limit)
  return { total, page, page_size, total_pages, has_next: page < total_pages, has_prev: page > 1 }
}
