import { expect, it } from 'vitest'
import { Link } from '#src/realtime/link.ts'
import { SignalDelivery } from '#src/realtime/signal-delivery.ts'

it('leaves a link alone whose socket closes, however full that is', async () => {
  let asked = 0
  const outlet = {
    isOpen: true,
    isFull: true,
    send: () => {},
    dismiss: () => {},
    // As a connection's: at once where it closes. What asks on and on would never let another turn begin.
    drained: () => (++asked < 50 ? Promise.resolve() : new Promise<void>(() => {})),
  }
  const link = new Link({
    agent_id: 'a',
    project_id: 'p',
    actor: { kind: 'runtime', id: null },
    lease: 1,
    epoch: 1,
    seq: 1,
    outlet,
    sent: { pause: 0, resume: 0, terminate: 0, message: 0 },
    onDetached: () => {},
  })
  const delivery = new SignalDelivery({} as never, new Map([['a', link]]), () => {})
  delivery.catchUp(link)
  outlet.isOpen = false
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(1)
  delivery.close()
})
