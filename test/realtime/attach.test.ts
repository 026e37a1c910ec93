import { expect, it, vi } from 'vitest'
import { RuntimeSession } from '#src/realtime/runtime-session.ts'

it('does not attach for a socket that has closed while the attach waited for it', async () => {
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
