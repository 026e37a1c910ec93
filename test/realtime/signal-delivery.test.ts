import { expect, it } from 'vitest'
import { Link } from '#src/realtime/runtimes/link.ts'
import { LinkTable } from '#src/realtime/runtimes/link-table.ts'
import { SignalDelivery } from '#src/realtime/runtimes/signal-delivery.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'

it('a link on a full socket that closes is not read again', async () => {
  let asked = 0
  const outlet = {
    isOpen: true,
    isFull: true,
    send: () => {},
    dismiss: () => {},
    // A closing connection counts as drained at once, so a link that kept asking would hold up the event loop.
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
    sent: { pause: 0, resume: 0, terminate: 0, message: 0, answer: 0 },
    awake: new AwakeClock(),
    onDetached: () => {},
  })
  const links = new LinkTable()
  links.add(link)
  const delivery = new SignalDelivery({} as never, links, () => {})
  delivery.catchUp(link)
  outlet.isOpen = false
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(1)
  delivery.close()
})
