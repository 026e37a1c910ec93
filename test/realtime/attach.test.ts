import { expect, it, vi } from 'vitest'
import { RuntimeSession } from '#src/realtime/runtimes/runtime-session.ts'

it('an attach that waited for its socket does nothing once the socket has closed', async () => {
  const drained = Promise.withResolvers<void>()
  const connection = { isOpen: true, isFull: true, drained: () => drained.promise, send: vi.fn() }
  const links = { attach: vi.fn() }
  const database = { run: async () => [{ project_id: 'p', role: 'owner' }] }
  const session = new RuntimeSession({ links, database } as never, connection as never)
  const principal = { kind: 'user', id: 'u', role: 'superuser' } as never
  const attaching = session.attach({ type: 'attach', agent_id: 'a' }, principal)
  connection.isOpen = false
  drained.resolve()
  await attaching
  expect(links.attach).not.toHaveBeenCalled()

  Object.assign(connection, { isOpen: true, isFull: false })
  await session.attach({ type: 'attach', agent_id: 'a' }, principal)
  expect(links.attach).toHaveBeenCalledOnce()
})
