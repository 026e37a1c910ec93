import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { parseLabels } from '#src/cli/labels.ts'
import { Progress } from '#src/cli/progress.ts'
import { shorten, toLine, toTable } from '#src/cli/text.ts'
import { growTrees, renderTrees } from '#src/cli/tree.ts'
import { renderView } from '#src/cli/watch-view.ts'
import { OfflineError } from '#src/client/connection/errors.ts'
import { type AgentState, toAgentSummary } from '#src/domain/agent.ts'
import { anAgent } from '../domain/an-agent.ts'

describe('text of an agent', () => {
  it.each([
    ['\x1b[2J\x1b]0;owned\x07', '�[2J�]0;owned�'],
    ['two\r\nlines\tof  it', 'two lines of it'],
    ['\u202egnp.exe', '�gnp.exe'],
    ['Ünïcode 漢字 🚂', 'Ünïcode 漢字 🚂'],
  ])('is one line without effect on a terminal: %j', (text, shown) => {
    expect(toLine(text)).toBe(shown)
  })

  it('is cut at its width on a terminal', () => {
    expect(shorten('漢字漢字', 5)).toBe('漢字…')
    expect(shorten('short', 5)).toBe('short')
    expect(shorten('👩🏽‍🚒👩🏽‍🚒👩🏽‍🚒', 5)).toBe('👩🏽‍🚒👩🏽‍🚒…')
  })
})

describe('a table', () => {
  it('has columns as wide as their longest cell', () => {
    const rows = [
      ['漢字', 'idle'],
      ['Ada', ''],
    ]
    expect(toTable(['NAME', 'STATUS'], rows)).toEqual(['NAME  STATUS', '漢字  idle', 'Ada'])
  })
})

describe('the tree of agents', () => {
  const started = (id: string, parent_id: string | null, own: Partial<AgentState> = {}) =>
    toAgentSummary(anAgent({ id, name: id, parent_id, ...own }))
  const ended = { status: 'terminated' } as const
  const agents = [
    started('b', null),
    started('a10', null, ended),
    started('a2', null, ended),
    started('b2', 'b'),
    started('b10', 'b'),
    started('b1', 'b', ended),
    started('b2x', 'b2', ended),
    started('a2x', 'a2'),
  ]
  const drawn = (wanted: Parameters<typeof growTrees>[1]) =>
    renderTrees(growTrees(agents, wanted)).map((line) =>
      line.split(/ {2}(?:STATUS|idle|terminated)/)[0]?.trimEnd(),
    )

  it('has live agents, and ended ones above them, by name', () => {
    expect(drawn({ root: undefined, ended: false })).toEqual([
      ...['NAME', 'a2', '└─ a2x', 'b', '├─ b2', '└─ b10'],
    ])
    expect(drawn({ root: 'b', ended: true })).toEqual([
      ...['NAME', 'b', '├─ b1', '├─ b2', '│  └─ b2x', '└─ b10'],
    ])
    expect(drawn({ root: 'b2x', ended: false })).toEqual(['NAME'])
  })
})

describe('labels on a command line', () => {
  it('are set with a value, which may be empty, and removed without one', () => {
    expect(parseLabels(['a=b', 'c=', 'd-', 'e-=f', 'g=h=i'])).toEqual({
      ...{ a: 'b', c: '', d: null, 'e-': 'f', g: 'h=i' },
    })
  })

  it.each(['a', '-', '', '=b'])('refuse %j', (word) => {
    expect(() => parseLabels([word])).toThrow('is not a label')
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

  it('lists the agents that are not terminated by name, with counts', () => {
    const lines = renderView(view, { height: 24, now: 0 })
    expect(lines[0]).toBe('Line�: live, event 7')
    expect(lines[1]).toContain('4 idle')
    expect(lines[1]).toContain('1 terminated')
    expect(namesIn(lines)).toEqual(['Ada', 'Cid', 'Dan', 'Eve'])
    expect(lines.at(-1)).toBe('q quits')
  })

  it('fits a small terminal, and scrolls no further than its end', () => {
    const lines = renderView({ ...view, offset: 99 }, { height: 7, now: 0 })
    expect(lines).toHaveLength(7)
    expect(namesIn(lines)).toEqual(['Dan', 'Eve'])
    expect(lines.at(-1)).toContain('3 to 4 of 4')
  })

  it('lists only agents in the given status', () => {
    expect(namesIn(renderView({ ...view, status: 'terminated' }, { height: 24, now: 0 }))).toEqual(['Bob'])
  })

  it('says when an offline watch retries, and why', () => {
    const error = new OfflineError('unreachable', 'localhost:1')
    const state = { kind: 'offline', since: 0, retry_at: 4_200, error } as const
    expect(renderView({ ...view, state }, { height: 24, now: 1_000 })[0]).toContain(
      'retrying in 4 s: The server cannot be reached: localhost:1',
    )
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

  it('fills up on a terminal, and removes itself', () => {
    expect(write(true)).toBe(`\r\x1b[Kpause ${'█'.repeat(15)}${'░'.repeat(15)} 20/40\r\x1b[K`)
  })

  it('is not shown without a terminal', () => {
    expect(write(false)).toBe('')
  })
})
