import { describe, expect, it } from 'vitest'
import { guard } from '#src/client/agent/guard.ts'
import { type Ack, toDetail } from '#src/client/agent/inbox.ts'
import { Runs } from '#src/client/agent/runs.ts'
import { SignalHandler } from '#src/client/agent/signal-handler.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import type { Signal, SignalKind } from '#src/domain/signal.ts'

let count = 0
const aSignal = (kind: SignalKind, own: Partial<Signal> = {}): Signal => {
  const issued_at = '2026-11-24T12:00:00.000Z'
  return { id: `s${++count}`, kind, payload: null, reason: null, mode: null, issued_at, attempt: 1, ...own }
}

type Handler = (signal: Signal) => unknown
/** What obeys, and its acknowledgements as `id outcome`. */
function makeObedience(handlers: Partial<Record<SignalKind, Handler>> = {}) {
  const acks: string[] = []
  const waiting = new Set<() => void>()
  const runs = new Runs({ begun: () => {}, ended: () => obedience.look() })
  const obedience = new SignalHandler({
    handlers,
    runs,
    acknowledge: (id: string, ack: Ack) => {
      acks.push(`${id} ${ack.outcome === 'failed' ? ack.detail : ack.outcome}`)
      for (const wake of waiting) wake()
    },
    flush: async () => {},
    resumed: () => {},
  })
  const acked = async (length: number) => {
    while (acks.length < length) await new Promise<void>((resolve) => waiting.add(resolve))
    return acks
  }
  return { obedience, runs, acks, acked }
}

/** Everything that is only waiting for its turn has had it. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a signal', () => {
  it('of a kind that this client does not know fails, and those after it are obeyed', async () => {
    const { obedience, acked } = makeObedience({ message: () => {} })
    // As a newer server sends it.
    const unknown = JSON.parse(JSON.stringify({ ...aSignal('message'), kind: 'summon' }))
    obedience.take(unknown)
    const next = aSignal('message')
    obedience.take(next)
    expect(await acked(2)).toEqual(
      expect.arrayContaining([
        `${unknown.id} This client does not know signals of the kind summon`,
        `${next.id} done`,
      ]),
    )
  })

  it('is obeyed once, and acknowledged each time it arrives', async () => {
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

  it('that arrives again while its handler runs is acknowledged once', async () => {
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

  it('whose handler throws fails with the message of the error, and the next one is obeyed', async () => {
    const fails = () => {
      throw new Error('jammed')
    }
    const { obedience, acked } = makeObedience({ pause: fails, resume: () => {} })
    const [pause, resume] = [aSignal('pause'), aSignal('resume')]
    obedience.take(pause)
    obedience.take(resume)
    expect(await acked(2)).toEqual([`${pause.id} jammed`, `${resume.id} done`])
  })

  it('waits for the one before it in its lane; a message delays no pause', async () => {
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

  it('with a message fails where the runtime has no handler for messages', async () => {
    const { obedience, acked } = makeObedience()
    const signal = aSignal('message')
    obedience.take(signal)
    expect(await acked(1)).toEqual([`${signal.id} This runtime takes no messages`])
  })
})

describe('a loop with checkpoints', () => {
  it('is paused when it waits at a checkpoint, and continues after a resume', async () => {
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

  it('that reaches no checkpoint before the resume is not delayed', async () => {
    const { obedience, acked } = makeObedience()
    obedience.take(aSignal('pause'))
    obedience.take(aSignal('resume'))
    await acked(2)
    await obedience.checkpoint()
  })

  it('stays paused by the newest signal, in whatever order the handlers end', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { obedience, acked } = makeObedience({ resume: () => promise, pause: () => {} })
    obedience.take(aSignal('resume'))
    obedience.take(aSignal('pause'))
    resolve()
    await acked(2)
    expect(obedience.isPaused).toBe(true)
  })

  it('is aborted by a terminate at once; the terminate is done when a checkpoint has thrown', async () => {
    const { promise: never } = Promise.withResolvers<void>()
    const { obedience, acks, acked } = makeObedience({ pause: () => never })
    obedience.take(aSignal('pause'))
    const passed = obedience.checkpoint()
    expect(obedience.signal.aborted).toBe(false)
    obedience.take(aSignal('terminate'))
    expect(obedience.signal.aborted).toBe(true)
    await expect(passed).rejects.toThrow(ClosedError)
    expect(acks).toEqual([])
    obedience.settle({ outcome: 'done' })
    expect(await acked(1)).toHaveLength(1)
  })

  it('has stopped once a checkpoint has thrown', async () => {
    const { obedience, acked } = makeObedience()
    const terminate = aSignal('terminate')
    obedience.take(terminate)
    await expect(obedience.checkpoint()).rejects.toMatchObject({ reason: 'terminated' })
    expect(await acked(1)).toEqual([`${terminate.id} done`])
  })
})

describe('the signal of a step', () => {
  const interrupt = (reason: string | null = null) => aSignal('pause', { mode: 'interrupt', reason })

  it('aborts on a pause that interrupts and on no other, and there is a new one after the resume', async () => {
    const { obedience, acked } = makeObedience()
    const { step } = obedience
    obedience.take(aSignal('pause', { mode: 'checkpoint' }))
    expect(step.aborted).toBe(false)
    obedience.take(interrupt('look at this'))
    expect(step.reason).toMatchObject({
      name: 'InterruptedError',
      message: 'Interrupted by a pause: look at this',
    })
    expect(obedience.step.aborted).toBe(true)
    expect(obedience.signal.aborted).toBe(false)
    const passed = obedience.checkpoint()
    obedience.take(aSignal('resume'))
    await passed
    await acked(3)
    expect(obedience.step.aborted).toBe(false)
  })

  it('is new after a resume that the runtime learns of by the state of its agent', async () => {
    const { obedience, acked } = makeObedience({ pause: () => {} })
    obedience.take(interrupt())
    await acked(1)
    await settled()
    obedience.align(false, false)
    expect(obedience.step.aborted).toBe(false)
  })

  it('aborts with the end of the agent, also after an interruption', () => {
    const { obedience } = makeObedience()
    const { step } = obedience
    obedience.take(aSignal('terminate', { mode: 'now' }))
    expect(step.reason).toMatchObject({ reason: 'terminated' })
    const { obedience: other } = makeObedience()
    other.take(interrupt())
    other.end(new ClosedError('requested'))
    expect(other.step.reason).toMatchObject({ reason: 'requested' })
  })
})

describe('runs', () => {
  it('side by side are paused when each of them waits at a checkpoint', async () => {
    const { obedience, runs, acks, acked } = makeObedience()
    const go = () => obedience.checkpoint()
    const { promise, resolve } = Promise.withResolvers<void>()
    // Two places of one run do not stand for the other run.
    const one = runs.do(async () => {
      await settled()
      await Promise.all([go(), go()])
    }, go)
    const other = runs.do(async () => {
      await promise
      await go()
    }, go)
    await Promise.resolve()
    const pause = aSignal('pause')
    obedience.take(pause)
    await settled()
    await settled()
    expect(acks).toEqual([])
    resolve()
    expect(await acked(1)).toEqual([`${pause.id} done`])
    obedience.take(aSignal('resume'))
    await Promise.all([one, other])
  })

  it('inside another belong to it, also those that outlast it; those of other agents do not', async () => {
    const ended: boolean[] = []
    const runs = new Runs({ begun: () => {}, ended: (_, isLast) => ended.push(isLast) })
    const others = new Runs({ begun: () => {}, ended: () => {} })
    const pass = async () => {}
    const { promise, resolve } = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    await others.do(
      () =>
        runs.do(() => {
          late = others.do(() => runs.do(() => promise, pass), pass)
          expect([runs.active.size, others.active.size]).toEqual([1, 1])
        }, pass),
      pass,
    )
    expect(ended).toEqual([])
    resolve()
    await late
    expect(ended).toEqual([true])
    expect([runs.active.size, others.active.size]).toEqual([0, 0])
  })

  it('that start while the agent is paused have not begun, and reject with its end', async () => {
    const { obedience, runs, acked } = makeObedience()
    const pause = aSignal('pause')
    obedience.take(pause)
    const run = runs.do(
      () => expect.unreachable(),
      () => obedience.checkpoint(),
    )
    expect(await acked(1)).toEqual([`${pause.id} done`])
    expect(runs.isWorking).toBe(false)
    obedience.take(aSignal('terminate'))
    await expect(run).rejects.toMatchObject({ reason: 'terminated' })
    expect(await acked(2)).toHaveLength(2)
  })

  it('have ended before a terminate is done, also after a handler', async () => {
    const { obedience, runs, acks, acked } = makeObedience({ terminate: () => {} })
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = runs.do(
      () => promise,
      () => obedience.checkpoint(),
    )
    const terminate = aSignal('terminate')
    obedience.take(terminate)
    await settled()
    expect(acks).toEqual([])
    resolve()
    await run
    expect(await acked(1)).toEqual([`${terminate.id} done`])
  })
})

describe('a guarded promise', () => {
  it('rejects when the signal aborts, and settles as it does before', async () => {
    const abort = new AbortController()
    expect(await guard(Promise.resolve(1), abort.signal)).toBe(1)
    await expect(guard(Promise.reject(new Error('jammed')), abort.signal)).rejects.toThrow('jammed')
    const { promise, reject } = Promise.withResolvers<void>()
    const guarded = guard(promise, abort.signal)
    abort.abort(new Error('stopped'))
    await expect(guarded).rejects.toThrow('stopped')
    await expect(guard(Promise.resolve(1), abort.signal)).rejects.toThrow('stopped')
    // Its rejection comes too late for anyone to handle it.
    reject(new Error('late'))
    await settled()
  })
})

describe('a runtime that gets another agent', () => {
  it('is held by no order to the one before', async () => {
    const { promise: never } = Promise.withResolvers<void>()
    const { obedience, acked } = makeObedience()
    const pause = aSignal('pause', { mode: 'interrupt' })
    obedience.take(pause)
    obedience.forget(false)
    await obedience.checkpoint()
    expect(await acked(1)).toEqual([`${pause.id} done`])
    expect(obedience.step.aborted).toBe(false)
    const { obedience: slow } = makeObedience({ resume: () => never })
    slow.take(aSignal('pause'))
    slow.take(aSignal('resume'))
    slow.forget(true)
    slow.align(true, false)
    expect(slow.isPaused).toBe(true)
  })
})

describe('the detail of a failure', () => {
  it('is text that the server can store', () => {
    expect(toDetail(new Error('a\0b'))).toBe('ab')
    expect(toDetail('\ud800')).toBe('\ufffd')
    expect([...toDetail('😀'.repeat(5_000))]).toHaveLength(2_000)
    expect(toDetail('x'.repeat(5_000))).toHaveLength(2_000)
  })
})
