import { describe, expect, it } from 'vitest'
import { ClosedError } from '#src/client/errors.ts'
import { type Ack, toDetail } from '#src/client/inbox.ts'
import { Obedience } from '#src/client/obedience.ts'
import type { Signal, SignalKind } from '#src/domain/signal.ts'

let count = 0
const aSignal = (kind: SignalKind): Signal => {
  const issued_at = '2026-11-24T12:00:00.000Z'
  return { id: `s${++count}`, kind, payload: null, reason: null, issued_at, attempt: 1 }
}

type Handler = (signal: Signal) => unknown
/** What obeys, and its acknowledgements as `id outcome`. */
function makeObedience(handlers: Partial<Record<SignalKind, Handler>> = {}) {
  const acks: string[] = []
  const waiting = new Set<() => void>()
  const none = { pause: undefined, resume: undefined, terminate: undefined, message: undefined }
  const obedience = new Obedience({ ...none, ...handlers }, (id: string, ack: Ack) => {
    acks.push(`${id} ${ack.outcome === 'failed' ? ack.detail : ack.outcome}`)
    for (const wake of waiting) wake()
  })
  const acked = async (length: number) => {
    while (acks.length < length) await new Promise<void>((resolve) => waiting.add(resolve))
    return acks
  }
  return { obedience, acks, acked }
}

/** Everything that is only waiting for its turn has had it. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a signal', () => {
  it('is obeyed once, and acknowledged as often as it comes', async () => {
    let told = 0
    const { obedience, acked } = makeObedience({ message: () => told++ })
    const signal = aSignal('message')
    for (let attempt = 1; attempt <= 3; attempt++) {
      obedience.take({ ...signal, attempt })
      await acked(attempt)
    }
    expect(told).toBe(1)
    expect(await acked(3)).toEqual(Array(3).fill(`${signal.id} done`))
  })

  it('that comes again while it is being obeyed is acknowledged once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { obedience, acks, acked } = makeObedience({ message: () => promise })
    const signal = aSignal('message')
    obedience.take(signal)
    obedience.take({ ...signal, attempt: 2 })
    await settled()
    expect(acks).toEqual([])
    resolve()
    expect(await acked(1)).toEqual([`${signal.id} done`])
    await settled()
    expect(acks).toHaveLength(1)
  })

  it('whose handler throws has failed, with what it said; the next is obeyed', async () => {
    const fails = () => {
      throw new Error('jammed')
    }
    const { obedience, acked } = makeObedience({ pause: fails, resume: () => {} })
    const [pause, resume] = [aSignal('pause'), aSignal('resume')]
    obedience.take(pause)
    obedience.take(resume)
    expect(await acked(2)).toEqual([`${pause.id} jammed`, `${resume.id} done`])
  })

  it('of a kind is obeyed after the one before it; a message holds up no pause', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const order: string[] = []
    const { obedience, acked } = makeObedience({
      message: async ({ id }) => {
        await promise
        order.push(id)
      },
      pause: () => order.push('pause'),
    })
    const messages = [aSignal('message'), aSignal('message')]
    for (const message of messages) obedience.take(message)
    obedience.take(aSignal('pause'))
    await acked(1)
    resolve()
    await acked(3)
    expect(order).toEqual(['pause', ...messages.map(({ id }) => id)])
  })

  it('of a message that nobody listens to has failed', async () => {
    const { obedience, acked } = makeObedience()
    const signal = aSignal('message')
    obedience.take(signal)
    expect(await acked(1)).toEqual([`${signal.id} This runtime takes no messages`])
  })
})

describe('a loop with checkpoints', () => {
  it('is paused once it stands at one, and goes on when it is resumed', async () => {
    const { obedience, acks, acked } = makeObedience()
    const [pause, resume] = [aSignal('pause'), aSignal('resume')]
    await obedience.checkpoint()
    obedience.take(pause)
    await settled()
    expect(acks).toEqual([])
    const passed = obedience.checkpoint()
    expect(await acked(1)).toEqual([`${pause.id} done`])
    obedience.take(resume)
    await passed
    expect(await acked(2)).toEqual([`${pause.id} done`, `${resume.id} done`])
    expect(obedience.isPaused).toBe(false)
  })

  it('that never comes to one before it is resumed is held up by nothing', async () => {
    const { obedience, acked } = makeObedience()
    obedience.take(aSignal('pause'))
    obedience.take(aSignal('resume'))
    await acked(2)
    await obedience.checkpoint()
  })

  it('stays paused by the newest signal, whatever order the handlers end in', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { obedience, acked } = makeObedience({ resume: () => promise, pause: () => {} })
    obedience.take(aSignal('resume'))
    obedience.take(aSignal('pause'))
    resolve()
    await acked(2)
    expect(obedience.isPaused).toBe(true)
  })

  it('is cut short by a terminate at once, which is done when the loop has heard', async () => {
    const { promise: never } = Promise.withResolvers<void>()
    const { obedience, acks, acked } = makeObedience({ pause: () => never })
    obedience.take(aSignal('pause'))
    const passed = obedience.checkpoint()
    expect(obedience.signal.aborted).toBe(false)
    obedience.take(aSignal('terminate'))
    expect(obedience.signal.aborted).toBe(true)
    await expect(passed).rejects.toThrow(ClosedError)
    expect(acks).toEqual([])
    obedience.settle()
    expect(await acked(1)).toHaveLength(1)
  })

  it('has ended once a checkpoint has thrown', async () => {
    const { obedience, acked } = makeObedience()
    const terminate = aSignal('terminate')
    obedience.take(terminate)
    await expect(obedience.checkpoint()).rejects.toMatchObject({ reason: 'terminated' })
    expect(await acked(1)).toEqual([`${terminate.id} done`])
  })
})

describe('the detail of a failure', () => {
  it('is text that the server can keep', () => {
    expect(toDetail(new Error('a\0b'))).toBe('ab')
    expect(toDetail('\ud800')).toBe('\ufffd')
    expect([...toDetail('😀'.repeat(5_000))]).toHaveLength(2_000)
    expect(toDetail('x'.repeat(5_000))).toHaveLength(2_000)
  })
})
