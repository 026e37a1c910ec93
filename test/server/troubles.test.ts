import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Troubles } from '#src/server/troubles.ts'

describe('a trouble', () => {
  let lines: { msg: string; reason?: string; seconds?: number }[]
  let troubles: Troubles
  beforeEach(() => {
    vi.useFakeTimers()
    lines = []
    troubles = new Troubles(pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) }))
  })
  afterEach(() => vi.useRealTimers())
  const said = () => lines.map(({ msg, reason }) => (reason === undefined ? msg : `${msg}: ${reason}`))

  it('is logged as it begins, with each new reason, and when it is over', () => {
    for (const reason of ['refused', 'refused', 'reset', 'refused'])
      troubles.fails('a job', new Error(reason))
    troubles.over('a job')
    troubles.over('a job')
    troubles.fails('a job', new Error('refused'))
    expect(said()).toEqual(['a job: refused', 'a job: reset', 'a job: it is over', 'a job: refused'])
  })

  it('whose reason is never the same logs five of them', () => {
    for (let attempt = 0; attempt < 100; attempt++) troubles.fails('a job', new Error(`attempt ${attempt}`))
    expect(lines).toHaveLength(5)
  })

  it('that reports no success is over after 10 s of quiet, unless it is known to last', () => {
    let isOver = false
    const fail = () => troubles.failsUntilQuiet('Redis', new Error('refused'), { isOver: () => isOver })
    fail()
    vi.advanceTimersByTime(9_000)
    fail()
    vi.advanceTimersByTime(30_000)
    expect(said()).toEqual(['Redis: refused'])
    isOver = true
    vi.advanceTimersByTime(10_000)
    expect(said()).toEqual(['Redis: refused', 'Redis: it is over'])
  })

  it('of a name with several addresses has the reason of the last one', () => {
    troubles.fails('Redis', new AggregateError([new Error('of ::1'), new Error('of 127.0.0.1')]))
    expect(said()).toEqual(['Redis: of 127.0.0.1'])
  })
})
