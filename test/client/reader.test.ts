import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader } from '#src/client/watch/reader.ts'

type Item = { seq: number; reset?: string }

/** A log that counts up, and a reader of it. */
function makeReader(maxUnread: number) {
  const log = { seq: 0 }
  let returned = false
  const reader = new Reader<Item, string>({
    maxUnread,
    overflow: 'too slow',
    makeReset: (reset) => ({ seq: log.seq, reset }),
    onReturn: () => {
      returned = true
    },
  })
  return { log, reader, hasReturned: () => returned }
}

describe('a reader', () => {
  it('gets 1, 2, 3 …, or one reset in place of its unread items', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant('write') },
      { weight: 2, arbitrary: fc.constant('read') },
      { weight: 1, arbitrary: fc.constant('reset') },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 60, size: 'max' }),
        async (max, steps) => {
          const { log, reader } = makeReader(max)
          const reads: Promise<IteratorResult<Item> | undefined>[] = []
          const read = () => {
            const item = reader.next().catch(() => undefined)
            reads.push(item)
            return item
          }
          for (const step of steps) {
            if (step === 'write') reader.push({ seq: ++log.seq })
            if (step === 'read') void read()
            if (step === 'reset') reader.reset('told')
          }
          reader.end(new Error('over'))
          while ((await read())?.done === false) {}
          const items = (await Promise.all(reads)).flatMap((item) =>
            item?.done === false ? [item.value] : [],
          )
          let position = 0
          for (const { seq, reset } of items) {
            if (reset === undefined) expect(seq).toBe(position + 1)
            else expect(seq).toBeGreaterThanOrEqual(position)
            position = seq
          }
          expect(position).toBe(log.seq)
        },
      ),
    )
  })

  it('keeps at most its bound, and has one reset to read after any number beyond it', async () => {
    const { log, reader } = makeReader(3)
    for (let count = 0; count < 100; count++) reader.push({ seq: ++log.seq })
    expect(await reader.next()).toEqual({ value: { seq: 100, reset: 'too slow' }, done: false })
    reader.push({ seq: ++log.seq })
    expect(await reader.next()).toEqual({ value: { seq: 101 }, done: false })
  })

  it('gets an error once, after its unread items', async () => {
    const { reader } = makeReader(3)
    reader.push({ seq: 1 })
    reader.end(new Error('deleted'))
    expect(await reader.next()).toEqual({ value: { seq: 1 }, done: false })
    await expect(reader.next()).rejects.toThrow('deleted')
    expect(await reader.next()).toEqual({ value: undefined, done: true })
  })

  it('that leaves its loop is released', async () => {
    const { reader, hasReturned } = makeReader(3)
    for (const seq of [1, 2]) reader.push({ seq })
    for await (const _ of reader) break
    expect(hasReturned()).toBe(true)
    expect(await reader.next()).toEqual({ value: undefined, done: true })
  })

  it('that waits ends with the watch', async () => {
    const { reader } = makeReader(3)
    const waiting = [reader.next(), reader.next()]
    reader.end()
    expect(await Promise.all(waiting)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ])
  })
})
