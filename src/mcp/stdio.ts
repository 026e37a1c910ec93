import type { JSONRPCMessage, McpServer, Transport } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import * as v from 'valibot'
import { ResourceUpdates } from './resource-updates.ts'
import { createMcpServer } from './server.ts'
import { type Caller, inWords } from './tool.ts'

const listen = v.object({
  method: v.literal('subscriptions/listen'),
  id: v.union([v.string(), v.number()]),
  params: v.object({ notifications: v.object({ resourceSubscriptions: v.array(v.string()) }) }),
})
const cancelled = v.object({
  method: v.literal('notifications/cancelled'),
  params: v.object({ requestId: v.union([v.string(), v.number()]) }),
})

/**
 * Stdin and stdout, and who reads along. The SDK answers `subscriptions/listen` (2026-07-28) by itself and does not say which
 * resources it is about, so the messages are looked at as they come in.
 */
class ObservedStdio implements Transport {
  readonly #wire = new StdioServerTransport()
  readonly #observe: (message: JSONRPCMessage) => Promise<boolean> | undefined
  readonly ended = Promise.withResolvers<void>()
  onmessage?: NonNullable<Transport['onmessage']>
  onclose?: () => void
  onerror?: (error: Error) => void

  /** `observe` may hold a message back, and then drop it (false). */
  constructor(observe: (message: JSONRPCMessage) => Promise<boolean> | undefined) {
    this.#observe = observe
  }

  async start(): Promise<void> {
    this.#wire.onmessage = (message) => {
      const holding = this.#observe(message)
      if (!holding) this.onmessage?.(message)
      else holding.then((isWanted) => isWanted && this.onmessage?.(message))
    }
    this.#wire.onerror = (error) => this.onerror?.(error)
    this.#wire.onclose = () => {
      this.ended.resolve()
      this.onclose?.()
    }
    await this.#wire.start()
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#wire.send(message)
  }

  close(): Promise<void> {
    return this.#wire.close()
  }
}

/** Serves one assistant until it closes stdin. */
export async function serveOverStdio(own: Omit<Caller, 'signal'>): Promise<void> {
  const ending = new AbortController()
  const caller = { ...own, signal: ending.signal }
  let server: McpServer | undefined
  const updates = new ResourceUpdates(caller, (uri) => {
    server?.server.sendResourceUpdated({ uri }).catch(own.onError)
  })
  const listening = new Map<string | number, readonly string[]>()
  const stop = (id: string | number) => {
    const uris = listening.get(id) ?? []
    listening.delete(id)
    const others = new Set([...listening.values()].flat())
    for (const uri of uris) if (!others.has(uri)) updates.unsubscribe(uri)
  }
  /** The SDK says at once that it listens, so it gets the message only when no change can be missed any more. */
  const follow = async (id: string | number, uris: readonly string[]) => {
    listening.set(id, uris)
    const subscribing = uris.map((uri) => updates.subscribe(uri))
    for (const one of await Promise.allSettled(subscribing)) {
      if (one.status === 'rejected') own.onError(new Error(inWords(one.reason, caller)))
    }
    return listening.has(id)
  }
  const transport = new ObservedStdio((message) => {
    const asked = v.safeParse(listen, message)
    const ended = v.safeParse(cancelled, message)
    if (ended.success) stop(ended.output.params.requestId)
    if (!asked.success) return undefined
    const uris = asked.output.params.notifications.resourceSubscriptions
    return follow(asked.output.id, uris)
  })
  const handle = serveStdio(
    () => {
      server = createMcpServer({ ...caller, can_subscribe: true })
      server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
        await updates.subscribe(params.uri).catch((error: unknown) => {
          throw new Error(inWords(error, caller))
        })
        return {}
      })
      server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
        updates.unsubscribe(params.uri)
        return {}
      })
      return server
    },
    { transport, onerror: own.onError },
  )
  await transport.ended.promise
  ending.abort()
  await handle.close()
}
