import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Progress } from '#src/cli/progress.ts'
import { shorten, toLine, toTable, widthOf } from '#src/cli/text.ts'
import { renderView } from '#src/cli/watch-view.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import { anAgent } from '../domain/an-agent.ts'

describe('what an agent wrote', () => {
  it.each([
    ['\x1b[2J\x1b]0;owned\x07', '�[2J�]0;owned�'],
    ['two\r\nlines\tof  it', 'two lines of it'],
    ['\u202egnp.exe', '�gnp.exe'],
    ['Ünïcode 漢字 🚂', 'Ünïcode 漢字 🚂'],
  ])('is one line that does nothing to a terminal: %j', (text, shown) => {
    expect(toLine(text)).toBe(shown)
  })

  it('takes as many columns as are counted', () => {
    expect(['abc', '漢字', '🚂', 'é'].map(widthOf)).toEqual([3, 4, 2, 1])
    expect(shorten('漢字漢字', 5)).toBe('漢字…')
    expect(shorten('short', 5)).toBe('short')
  })
})

describe('a table', () => {
  it('has columns of the width of what is in them', () => {
    const rows = [
      ['漢字', 'idle'],
      ['Ada', ''],
    ]
    expect(toTable(['NAME', 'STATUS'], rows)).toEqual(['NAME  STATUS', '漢字  idle', 'Ada'])
  })
})

describe('the live table', () => {
  const agents = ['Cid', 'Ada', 'Bob', 'Eve', 'Dan'].map((name, index) =>
    toAgentSummary(anAgent({ id: `${index}`, name, status: name === 'Bob' ? 'terminated' : 'idle' })),
  )
  const view = {
    title: 'Line\x1b',
    state: { kind: 'live' } as const,
    seq: 7,
    agents,
    status: undefined,
    offset: 0,
  }
  const namesIn = (lines: string[]) => lines.slice(4, -1).map((line) => line.split(' ')[0])

  it('has the living by name, and their counts', () => {
    const lines = renderView(view, { height: 24, now: 0 })
    expect(lines[0]).toBe('Line�: live, event 7')
    expect(lines[1]).toContain('4 idle')
    expect(lines[1]).toContain('1 terminated')
    expect(namesIn(lines)).toEqual(['Ada', 'Cid', 'Dan', 'Eve'])
    expect(lines.at(-1)).toBe('q quits')
  })

  it('fits a small terminal, and scrolls to its end and no further', () => {
    const lines = renderView({ ...view, offset: 99 }, { height: 7, now: 0 })
    expect(lines).toHaveLength(7)
    expect(namesIn(lines)).toEqual(['Dan', 'Eve'])
    expect(lines.at(-1)).toContain('3 to 4 of 4')
  })

  it('has those in a status where it is asked to', () => {
    expect(namesIn(renderView({ ...view, status: 'terminated' }, { height: 24, now: 0 }))).toEqual(['Bob'])
  })

  it('says when an offline watch tries again', () => {
    const state = { kind: 'offline', since: 0, retry_at: 4_200 } as const
    expect(renderView({ ...view, state }, { height: 24, now: 1_000 })[0]).toContain('trying again in 4 s')
  })
})

describe('a progress bar', () => {
  const write = (isTTY: boolean) => {
    const stream = Object.assign(new PassThrough(), { isTTY })
    const progress = new Progress('pause', stream)
    progress.show(20, 40)
    progress.end()
    return String(stream.read() ?? '')
  }

  it('fills up on a terminal, and leaves nothing behind', () => {
    expect(write(true)).toBe(`\r\x1b[Kpause ${'█'.repeat(15)}${'░'.repeat(15)} 20/40\r\x1b[K`)
  })

  it('is not there without one', () => {
    expect(write(false)).toBe('')
  })
})
