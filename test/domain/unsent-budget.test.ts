import { expect, it } from 'vitest'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'

it('a user has the room that its peers leave, and at most the room of the process', () => {
  const budget = createUnsentBudget({ user: 100, whole: 150 })
  const [one, again, other] = [budget.account('one'), budget.account('one'), budget.account('other')]
  const release = one.hold(70)
  expect([one.room(), again.room(), other.room()]).toEqual([30, 30, 80])
  again.hold(60)
  expect([one.room(), other.room()]).toEqual([0, 20])
  release()
  expect([one.room(), other.room(), budget.held()]).toEqual([40, 90, 60])
})

it('an answer larger than the budget fits where its user has left nothing unread', () => {
  const account = createUnsentBudget({ user: 100 }).account('one')
  expect(account.fits(101)).toBe(true)
  account.hold(1)
  expect([account.fits(99), account.fits(100)]).toEqual([true, false])
})

it('a second release changes nothing', () => {
  const budget = createUnsentBudget()
  const account = budget.account('one')
  const release = account.hold(10)
  account.hold(5)
  release()
  release()
  expect(budget.held()).toBe(5)
})

it('a block that many peers of a user wait for counts once, until the last has it', () => {
  const budget = createUnsentBudget({ user: 100 })
  const account = budget.account('one')
  const block = Buffer.alloc(60)
  const releases = [account.hold(block), account.hold(block), account.hold(Buffer.alloc(10))]
  expect(budget.held()).toBe(70)
  for (const [index, left] of [70, 10, 0].entries()) {
    releases[index]?.()
    expect(budget.held()).toBe(left)
  }
  expect(account.room()).toBe(100)
})
