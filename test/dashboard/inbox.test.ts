import { describe, expect, it, vi } from 'vitest'
import { sayEvent } from '#src/dashboard/model/events.ts'
import {
  byField,
  findMistakes,
  readForm,
  startValues,
  toPayload,
  type Value,
} from '#src/dashboard/model/form.ts'
import { Inbox } from '#src/dashboard/model/inbox.ts'
import { RequestBook } from '#src/dashboard/model/request-book.ts'
import { type Asked, sayEndingAndActor, sayNo, sayYes } from '#src/dashboard/model/requests.ts'
import type { Form } from '#src/domain/forms.ts'
import { toRequestSummary } from '#src/domain/request.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { aRequest } from '../domain/a-request.ts'

const asked = (own: Parameters<typeof aRequest>[0] = {}): Asked => toRequestSummary(aRequest(own))
const at = (second: number) => `2026-11-23T12:00:0${second}.000Z`
const ended = { state: 'resolved', cause: 'answered', ended_at: at(9) } as const
const ids = (requests: readonly Asked[]) => requests.map(({ id }) => id)

describe('the known requests', () => {
  it('are sorted by age, whatever order they come in', () => {
    const book = new RequestBook()
    book.note(asked({ id: 'b', created_at: at(2) }))
    book.note(asked({ id: 'c', created_at: at(1) }))
    book.note(asked({ id: 'a', created_at: at(2) }))
    expect(ids(book.open)).toEqual(['c', 'a', 'b'])
  })

  it('keep what events said while an older list was read', () => {
    const book = new RequestBook()
    book.note(asked({ id: 'gone' }))
    book.beginReading()
    book.note(asked({ id: 'new', created_at: at(1) }))
    book.note(asked({ id: 'answered', ...ended }))
    book.fill([
      { ...asked({ id: 'answered' }), can_answer: true },
      asked({ id: 'listed', created_at: at(2) }),
    ])
    expect(ids(book.open)).toEqual(['new', 'listed'])
    expect(book.find('answered')).toMatchObject({ state: 'resolved' })
    expect(book.find('gone')).toBeUndefined()
  })

  it('never open again, and keep what the inbox said of them', () => {
    const book = new RequestBook()
    book.fill([{ ...asked(), can_answer: false, project_name: 'Line' }])
    book.note(asked(ended))
    book.note(asked())
    expect(book.open).toEqual([])
    expect(book.find('r')).toMatchObject({ ...ended, can_answer: false, project_name: 'Line' })
  })

  it('forget the oldest that have ended', () => {
    const book = new RequestBook()
    for (let index = 0; index <= 500; index++) book.note(asked({ id: `r${index}`, ...ended }))
    expect([book.find('r0'), book.find('r1')?.id]).toEqual([undefined, 'r1'])
  })
})

describe('the inbox', () => {
  const pages = (total: number) =>
    vi.fn(async ({ page, limit }: { page: number; limit: number }) => {
      const data = Array.from({ length: Math.min(limit, total - (page - 1) * limit) }, (_, index) =>
        asked({ id: `${page}-${index}` }),
      )
      return { data, pagination: { total, has_next: page * limit < total } }
    })
  const onNew = vi.fn()
  const inboxOf = (mine: unknown) => new Inbox({ requests: { mine } } as never, onNew)

  it('reads at most 500, and counts the rest', async () => {
    const mine = pages(620)
    const inbox = inboxOf(mine)
    await vi.waitUntil(() => inbox.isRead)
    expect([inbox.open.value.length, inbox.beyond.value, inbox.count.value]).toEqual([500, 120, 620])
    expect(mine).toHaveBeenCalledTimes(5)
    inbox.close()
  })

  it('keeps what it knows while the server does not answer', async () => {
    const mine = pages(1)
    const inbox = inboxOf(mine)
    await vi.waitUntil(() => inbox.isRead)
    mine.mockRejectedValueOnce(new Error('No connection'))
    await inbox.read()
    expect([inbox.problem.value, inbox.count.value]).toEqual(['No connection', 1])
    await inbox.read()
    expect(inbox.problem.value).toBeUndefined()
    inbox.close()
  })

  it('says once what is new', async () => {
    const inbox = inboxOf(pages(1))
    await vi.waitUntil(() => inbox.isRead)
    for (const own of [{ id: '1-0' }, { id: 'new' }, { id: 'new' }, { id: 'new', ...ended }, { id: 'new' }]) {
      inbox.hear(asked(own))
    }
    expect(onNew.mock.calls.map(([{ id }]) => id)).toEqual(['new'])
    inbox.close()
  })

  it('reads once more when it is asked to during a reading', async () => {
    const mine = pages(1)
    const inbox = inboxOf(mine)
    await Promise.all([inbox.read(), inbox.read()])
    await vi.waitUntil(() => mine.mock.calls.length === 2)
    inbox.close()
  })
})

describe('a form', () => {
  const form = {
    properties: {
      text: { type: 'string', maxLength: 9 },
      count: { type: 'integer', minimum: 1, maximum: 9, default: 2 },
      sure: { type: 'boolean' },
      size: { type: 'string', enum: ['', 'l'], enumNames: ['None', 'Large'] },
      parts: { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] }, minItems: 1 },
      at: { type: 'string', format: 'date-time', default: '2026-11-23T12:00:00.5+01:00' },
    },
    required: ['text'],
  } as Form
  const payloadOf = (own: [string, Value][]) => toPayload(form, new Map([...startValues(form), ...own]))

  it('has the fields with their choices and hints', () => {
    expect(readForm(form).map(({ name, kind, hint, choices }) => [name, kind, hint, choices])).toEqual([
      ['text', 'text', 'at most 9 characters', []],
      ['count', 'number', '1 to 9', []],
      ['sure', 'flag', undefined, []],
      [
        'size',
        'one',
        undefined,
        [
          { value: '', label: 'None' },
          { value: 'l', label: 'Large' },
        ],
      ],
      ['parts', 'many', 'at least 1 to be chosen', [{ value: 'a', label: 'A' }]],
      ['at', 'date-time', 'your local time', []],
    ])
  })

  it('leaves out what is empty, and keeps a default as it was given', () => {
    expect(payloadOf([])).toEqual({ count: 2, sure: false, at: '2026-11-23T12:00:00.5+01:00' })
    expect(
      payloadOf([
        ['text', ' x '],
        ['count', ' 3 '],
        ['size', ''],
        ['parts', ['a']],
        ['at', ''],
      ]),
    ).toEqual({
      text: ' x ',
      count: 3,
      sure: false,
      size: '',
      parts: ['a'],
    })
  })

  it('turns a local time into one with a zone', () => {
    const local = new Date(2026, 10, 23, 9, 30)
    expect(payloadOf([['at', '2026-11-23T09:30:00']]).at).toBe(local.toISOString())
  })

  it.each(['x', '1e999', '9007199254740993', 'Infinity'])('keeps the number %s as the mistake', (text) => {
    const payload = payloadOf([
      ['text', 'x'],
      ['count', text],
    ])
    expect(payload.count).toBe(text)
    expect([...findMistakes(form, payload)]).toEqual([['count', 'Enter a number']])
  })

  it("says the server's mistakes by field, in words for people", () => {
    expect([...findMistakes(form, payloadOf([['count', '0']]))]).toEqual([
      ['text', 'Enter a value'],
      ['count', 'Enter a number of at least 1'],
    ])
    const problems = [
      { field: 'payload.a.b', message: 'one' },
      { field: 'note', message: 'two' },
      { field: null, message: 'three' },
    ]
    expect(byField(problems)).toEqual({ fields: new Map([['a.b', 'one']]), others: ['note: two', 'three'] })
  })
})

describe('yes and no', () => {
  const option = (id: string, kind: 'allow_once' | 'allow_always' | 'reject_once' | 'other') => ({
    id,
    label: id.toUpperCase(),
    kind,
  })
  const options = [
    option('o', 'other'),
    option('n', 'reject_once'),
    option('y', 'allow_always'),
    option('z', 'allow_once'),
  ]

  it('choose the first option of their kind', () => {
    expect(sayYes({ options })).toEqual({ status: 'resolved', option: 'y' })
    expect(sayNo({ options, response_schema: null })).toEqual({ status: 'resolved', option: 'n' })
  })

  it('resolve and cancel without options; a no needs no form', () => {
    expect(sayYes({ options: null })).toEqual({ status: 'resolved' })
    expect(sayYes({ options: [option('o', 'other')] })).toBeUndefined()
    expect(sayNo({ options: null, response_schema: null })).toEqual({ status: 'cancelled' })
    expect(sayNo({ options, response_schema: { properties: {} } })).toEqual({ status: 'cancelled' })
  })

  it.each([
    [{ ...ended, option: 'y', options }, 'answered "Y" by Bo'],
    [{ ...ended, response_schema: { properties: {} } }, 'answered by Bo'],
    [ended, 'approved by Bo'],
    [{ state: 'cancelled', cause: 'answered' }, 'denied by Bo'],
    [{ state: 'cancelled', cause: 'withdrawn', answered_by: null }, 'withdrawn by its runtime'],
    [{ state: 'cancelled', cause: 'terminated', answered_by: null }, 'cancelled with its agent'],
    [{ state: 'expired', cause: 'expired', answered_by: null }, 'expired without an answer'],
  ] as const)('say how a request ended: %#', (own, words) => {
    const request = asked({ answered_by: { kind: 'user', id: 'u' }, ...own } as Parameters<typeof asked>[0])
    expect(sayEndingAndActor(request, () => 'Bo')).toBe(words)
  })

  it('are events in one line', () => {
    const say = (name: EventFrame['name'], request: Asked) =>
      sayEvent({ name, request } as EventFrame, { agent: (id) => id })
    const message = `Delete\n ${'x'.repeat(300)}`
    expect(say('agent.request_opened', asked({ message }))).toBe(`asks: Delete ${'x'.repeat(193)}…`)
    expect(say('agent.request_ended', asked(ended))).toBe('request approved: Which environment?')
  })
})
