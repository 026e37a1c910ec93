import { expect, it } from 'vitest'
import { Turns } from '#src/commands/turns.ts'

/** Work that ends when the test says so; `order` has what began, in that order. */
function createStage(turns: Turns) {
  const order: string[] = []
  const ends = new Map<string, () => void>()
  const begin = (key: string, name: string) =>
    turns.run(key, () => {
      order.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    })
  const end = async (name: string) => {
    ends.get(name)?.()
    await new Promise(setImmediate)
  }
  return { order, begin, end }
}

it('a busy key gives way to the others after each piece of work', async () => {
  const { order, begin, end } = createStage(new Turns({ places: 1, of_one: 1 }))
  for (const name of ['a1', 'a2', 'a3']) void begin('a', name)
  for (const name of ['b1', 'b2']) void begin('b', name)
  void begin('c', 'c1')
  await new Promise(setImmediate)
  for (let next = 0; next < 6; next++) await end(order[next] ?? '')
  expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2'])
})

it('a key whose places are taken does not hold up another key', async () => {
  const { order, begin, end } = createStage(new Turns({ places: 3, of_one: 2 }))
  for (const name of ['a1', 'a2', 'a3', 'a4']) void begin('a', name)
  void begin('b', 'b1')
  void begin('b', 'b2')
  await new Promise(setImmediate)
  expect(order).toEqual(['a1', 'a2', 'b1'])
  await end('b1')
  expect(order).toEqual(['a1', 'a2', 'b1', 'b2'])
  await end('a1')
  expect(order).toEqual(['a1', 'a2', 'b1', 'b2', 'a3'])
})

it('work that fails frees its place', async () => {
  const turns = new Turns({ places: 1, of_one: 1 })
  await expect(turns.run('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await turns.run('a', async () => 'done')).toBe('done')
})
