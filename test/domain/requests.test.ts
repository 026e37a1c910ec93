import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import type { Answer } from '#src/domain/answer.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { endByTermination, type RequestRecord } from '#src/domain/request.ts'
import {
  decideAnswer,
  decideExpiry,
  decideRequest,
  decideWithdraw,
  MAX_OPEN_REQUESTS,
  MAX_PENDING_ANSWERS,
} from '#src/domain/requests.ts'
import { addSeconds } from '#src/domain/time.ts'
import { aQuestion, aRequest } from './a-request.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const DAY = 24 * 60 * 60
const refusal = (kind: string, message: unknown, field: string | null = null) =>
  expect.objectContaining({ kind, problems: [{ message, field }] })
const waiting = (own: Partial<AgentState> = {}) => anAgent({ open_requests: 1, ...own })

describe('a question', () => {
  const ask = (
    agent: AgentState,
    own: Parameters<typeof aQuestion>[0] & { status?: AgentState['status'] } = {},
    known?: RequestRecord,
  ) => decideRequest(agent, { ...aQuestion(), ...own }, { known, id: 'new' }, context)

  it('opens a request, with all that was given and null for the rest', () => {
    const agent = anAgent({ status: 'working' })
    const asked = aQuestion({ metadata: { thread: 7 }, expires_at: addSeconds(LATER, 1) })
    const { request, change, status_rejected } = ask(agent, asked)
    expect(request).toEqual({
      ...asked,
      id: 'new',
      project_id: agent.project_id,
      agent_id: agent.id,
      agent_name: agent.name,
      state: 'open',
      cause: null,
      option: null,
      payload: null,
      note: null,
      answered_by: null,
      created_at: LATER,
      ended_at: null,
      delivered_at: null,
      acknowledged_at: null,
      signal_id: null,
    })
    const { signal_id: _, metadata: __, ...summary } = request
    expect(change).toEqual({
      agent: { ...agent, open_requests: 1, last_activity_at: LATER },
      event: { name: 'agent.request_opened', request: summary },
      requests: [request],
    })
    expect(status_rejected).toBeUndefined()
  })

  it('with a status is two changes, the second of which starts from the first', () => {
    const { change } = ask(anAgent({ status: 'working' }), { status: 'waiting' })
    expect(change).toMatchObject({
      agent: { status: 'working', open_requests: 1 },
      event: { name: 'agent.request_opened' },
      next: {
        agent: { status: 'waiting', open_requests: 1 },
        event: { name: 'agent.status_changed', from: 'working', to: 'waiting' },
      },
    })
  })

  it('is asked even if its status cannot be taken, or is no change', () => {
    const paused = ask(anAgent({ status: 'paused' }), { status: 'waiting' })
    expect(paused.change).not.toHaveProperty('next')
    expect(paused.status_rejected).toBe('Cannot transition from paused to waiting')
    const same = ask(anAgent({ status: 'waiting' }), { status: 'waiting' })
    expect([same.change?.next, same.status_rejected]).toEqual([undefined, undefined])
  })

  it.each(agentStatuses)(
    'that is known changes nothing, whatever else it says, of an agent that is %s',
    (status) => {
      const known = aRequest({ state: 'expired', cause: 'expired', ended_at: NOW })
      const full = anAgent({ status, open_requests: MAX_OPEN_REQUESTS })
      expect(ask(full, { expires_at: NOW, message: 'another', status: 'working' }, known)).toEqual({
        request: known,
        status_rejected: undefined,
      })
    },
  )

  it('of a terminated agent is refused', () => {
    const refused = refusal('agent_terminated', 'Agent is terminated', 'agent_id')
    expect(() => ask(anAgent({ status: 'terminated' }))).toThrow(refused)
  })

  it('may expire in the future, and at most 30 days ahead', () => {
    for (const seconds of [0.001, 30 * DAY]) {
      expect(ask(anAgent(), { expires_at: addSeconds(LATER, seconds) }).change).toBeDefined()
    }
    const past = refusal('invalid', 'Must be in the future', 'expires_at')
    expect(() => ask(anAgent(), { expires_at: LATER })).toThrow(past)
    expect(() => ask(anAgent(), { expires_at: NOW })).toThrow(past)
    const far = refusal('invalid', 'Must be at most 30 days ahead', 'expires_at')
    expect(() => ask(anAgent(), { expires_at: addSeconds(LATER, 30 * DAY + 0.001) })).toThrow(far)
  })

  it('is refused if too many wait for an answer, or for the acknowledgement of one', () => {
    const open = MAX_OPEN_REQUESTS - 1
    expect(ask(anAgent({ open_requests: open })).change).toBeDefined()
    const full = refusal('invalid', 'Agent has 100 open requests')
    expect(() => ask(anAgent({ open_requests: MAX_OPEN_REQUESTS }))).toThrow(full)
    const owed = MAX_PENDING_ANSWERS - open
    expect(ask(anAgent({ open_requests: open, pending_answers: owed - 1 })).change).toBeDefined()
    const unread = refusal('invalid', 'Agent has 1000 requests whose answers are not acknowledged')
    expect(() => ask(anAgent({ open_requests: open, pending_answers: owed }))).toThrow(unread)
  })
})

const resolved: Answer = { status: 'resolved', option: null, payload: null, note: null }
const cancelled: Answer = { ...resolved, status: 'cancelled' }

describe('an answer', () => {
  const answer = (request: RequestRecord, said: Partial<Answer> = {}, agent = waiting()) =>
    decideAnswer(agent, request, { ...resolved, ...said }, context)

  it('ends the request with a signal to the runtime, which does not count as a message', () => {
    const said = { payload: { environment: 'staging' }, note: 'with care' }
    for (const status of ['resolved', 'cancelled'] as const) {
      const given = status === 'resolved' ? said : { note: said.note, payload: null }
      const agent = waiting({ status: 'paused', pending_messages: 3, pending_answers: 2 })
      const { request, change } = answer(aRequest(), { status, ...given }, agent)
      expect(request).toEqual({
        ...aRequest(),
        ...given,
        state: status,
        cause: 'answered',
        answered_by: context.actor,
        ended_at: LATER,
        signal_id: context.signal_id,
      })
      const payload = { option: null, ...given, status, request_id: 'q1', answered_by: context.actor }
      const { signal_id: _, metadata: __, ...summary } = request
      expect(change).toEqual({
        agent: { ...agent, open_requests: 0, pending_answers: 3 },
        event: {
          name: 'agent.request_ended',
          request: summary,
          signal: expect.objectContaining({ id: context.signal_id, kind: 'answer', payload, attempt: 1 }),
        },
        issued: expect.objectContaining({ kind: 'answer', payload, outcome: null, mode: null }),
        requests: [request],
      })
    }
  })

  it.each(['resolved', 'cancelled', 'expired'] as const)('to a request that is %s is refused', (state) => {
    for (const said of [resolved, cancelled, { ...cancelled, option: 'x' }]) {
      expect(() => answer(aRequest({ state }), said)).toThrow(
        refusal('conflict', `Request is already ${state}`),
      )
    }
  })

  it('after the time is over is refused, before anything is written', () => {
    expect(answer(aRequest({ expires_at: addSeconds(LATER, 0.001) })).request.state).toBe('resolved')
    expect(() => answer(aRequest({ expires_at: LATER }))).toThrow(
      refusal('conflict', 'Request is already expired'),
    )
  })

  const options: RequestRecord['options'] = [
    { id: 'yes', label: 'Go', kind: 'allow_once' },
    { id: 'no', label: 'Stop', kind: 'reject_once' },
  ]
  const response_schema = { properties: { n: { type: 'integer' } }, required: ['n'] } as const
  it.each<[string, Partial<RequestRecord>, Partial<Answer>, string[]]>([
    ['no option of several', { options }, {}, ['option']],
    ['an unknown option', { options }, { option: 'maybe' }, ['option']],
    ['an option where there are none', {}, { option: 'yes' }, ['option']],
    ['no payload', { response_schema: { ...response_schema, required: ['n'] } }, {}, ['payload']],
    [
      'everything wrong',
      { options, response_schema: { ...response_schema, required: ['n'] } },
      { payload: { m: 1 } },
      ['option', 'payload.n', 'payload.m'],
    ],
    ['a cancelled one with an option', { options }, { status: 'cancelled', option: 'yes' }, ['option']],
    [
      'a cancelled one with everything',
      { options },
      { status: 'cancelled', option: 'yes', payload: {} },
      ['option', 'payload'],
    ],
  ])('is refused: %s', (_, own, said, fields) => {
    const problems = fields.map((field) => ({ message: expect.any(String), field }))
    expect(() => answer(aRequest(own), said)).toThrow(expect.objectContaining({ kind: 'invalid', problems }))
  })

  it('gives what was asked for, and anything where nothing was', () => {
    const asked = { options, response_schema: { properties: {}, required: [] } }
    expect(answer(aRequest(asked), { option: 'no', payload: {} }).request).toMatchObject({ option: 'no' })
    expect(answer(aRequest(), { payload: { any: [1] } }).request.payload).toEqual({ any: [1] })
    expect(
      answer(aRequest({ options, response_schema: asked.response_schema }), cancelled).request.state,
    ).toBe('cancelled')
  })
})

describe('the end of a request', () => {
  it('by its time has a signal, and nobody as its author', () => {
    const due = aRequest({ expires_at: LATER })
    const { change, request } = decideExpiry(waiting(), due, context) ?? {}
    expect(request).toMatchObject({ state: 'expired', cause: 'expired', answered_by: null, ended_at: LATER })
    expect(change?.agent).toMatchObject({ open_requests: 0, pending_answers: 1 })
    expect(change?.event).toMatchObject({
      name: 'agent.request_ended',
      signal: { kind: 'answer', payload: { status: 'expired', answered_by: null, request_id: 'q1' } },
    })
  })

  it('by its time does not come early, without one, or twice', () => {
    for (const own of [
      { expires_at: addSeconds(LATER, 0.001) },
      { expires_at: null },
      { expires_at: NOW, state: 'resolved' as const },
    ]) {
      expect(decideExpiry(waiting(), aRequest(own), context)).toBeUndefined()
    }
  })

  it('by its runtime has no signal', () => {
    const { request, change } = decideWithdraw(waiting(), aRequest(), context)
    expect(request).toEqual({ ...aRequest(), state: 'cancelled', cause: 'withdrawn', ended_at: LATER })
    const { signal_id: _, metadata: __, ...summary } = request
    expect(change).toEqual({
      agent: anAgent(),
      event: { name: 'agent.request_ended', request: summary },
      requests: [request],
    })
  })

  it('by its runtime comes too late for one that has ended, and for one whose time is over', () => {
    const ended = aRequest({ state: 'resolved', cause: 'answered', ended_at: NOW })
    expect(decideWithdraw(anAgent(), ended, context)).toEqual({ request: ended })
    const late = decideWithdraw(waiting(), aRequest({ expires_at: LATER }), context)
    expect(late.request).toMatchObject({ state: 'expired', cause: 'expired' })
    expect(late.change?.issued?.kind).toBe('answer')
  })

  it('with its agent leaves alone what has ended', () => {
    expect(endByTermination(aRequest(), LATER)).toEqual({
      ...aRequest(),
      state: 'cancelled',
      cause: 'terminated',
      ended_at: LATER,
    })
    const ended = aRequest({ state: 'expired', cause: 'expired', ended_at: NOW })
    expect(endByTermination(ended, LATER)).toBe(ended)
  })
})
