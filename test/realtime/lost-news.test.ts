import { expect, it } from 'vitest'
import { LostNews } from '#src/realtime/feed/lost-news.ts'

it('an event that the bus never brings counts as lost, once', () => {
  const news = new LostNews(3)
  expect(news.check(3, 0)).toBe(false)
  expect(news.check(7, 2_000)).toBe(false)
  expect(news.check(7, 4_000)).toBe(true)
  expect(news.check(7, 6_000)).toBe(false)
  expect(news.check(8, 8_000)).toBe(false)
  expect(news.check(9, 10_000)).toBe(true)
  expect(news.check(9, 12_000)).toBe(true)
  expect(news.check(9, 14_000)).toBe(false)
})

it('an event that comes after the check that found it does not count as lost', () => {
  const news = new LostNews(0)
  for (let seq = 1; seq <= 50; seq++) {
    expect(news.check(seq, seq * 2_000)).toBe(false)
    news.hear(seq)
  }
  expect(news.check(50, 200_000)).toBe(false)
})

it('an event does not count as lost at a check that follows at once', () => {
  const news = new LostNews(0)
  expect(news.check(1, 0)).toBe(false)
  expect(news.check(2, 5)).toBe(false)
  expect(news.check(2, 900)).toBe(false)
  news.hear(2)
  expect(news.check(2, 2_000)).toBe(false)
})
