import { p } from '@mikro-orm/core'
import { v7 as uuid } from 'uuid'

/** Property builders that several tables share. Times are kept to the millisecond, as the wire shows them. */
export const column = {
  id: () =>
    p
      .uuid()
      .primary()
      .onCreate(() => uuid()),
  time: () => p.datetime(3),
  json: <T>() => p.json().$type<T>(),
  count: () => p.bigint('number').default(0),
}
