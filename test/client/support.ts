import { afterAll, beforeAll } from 'vitest'
import type { ConnectOptions } from '#src/client/connection/connection.ts'
import type { ConnectionState, LinkState } from '#src/client/connection/state.ts'
import { type WatchItem, watchProject } from '#src/client/watch/watch.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { Backend } from '../support/backends.ts'
import { createFleet, type Fleet, Rest } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

type State = LinkState | ConnectionState
type Observed = { state: State; on(name: 'state', listener: (state: State) => void): () => void }

/** Resolves when it is so, at once if it is; the state is what it became. */
export function becomes<Kind extends State['kind']>(
  observed: Observed,
  kind: Kind,
): Promise<Extract<State, { kind: Kind }>> {
  return new Promise((resolve) => {
    const look = (state: State) => {
      if (state.kind !== kind) return
      stop()
      resolve(state as Extract<State, { kind: Kind }>)
    }
    const stop = observed.on('state', look)
    look(observed.state)
  })
}

/** A server behind a proxy that can break its connections, and a project on it. */
export type Scene = {
  stage: Stage
  proxy: TcpProxy
  fleet: Fleet
  /** Where the server is, and how a superuser gets in, for a client that comes back quickly. */
  reach: ConnectOptions & { token: string }
}

/** The clients of a suite are closed by it. */
export function useScene(backend: Backend): () => Scene {
  let scene: Scene | undefined
  beforeAll(async () => {
    const stage = await Stage.start(backend)
    const [origin = ''] = stage.origins
    const rest = await Rest.at(origin).signIn()
    const proxy = await TcpProxy.to(origin)
    const reach = {
      url: proxy.through(origin),
      token: rest.token ?? '',
      backoff: { first_ms: 10, max_ms: 50 },
    }
    scene = { stage, proxy, fleet: await createFleet(rest), reach }
  })
  afterAll(async () => {
    await scene?.proxy.close()
    await scene?.stage.stop()
  })
  return () => {
    if (!scene) throw new Error('the scene of this suite is not set')
    return scene
  }
}

/** A watch with a reader that is asked for one item after the other. */
export function openWatch(options: Parameters<typeof watchProject>[0]) {
  const watch = watchProject(options)
  const reader = watch[Symbol.asyncIterator]()
  const next = async (): Promise<WatchItem> => {
    const { value, done } = await reader.next()
    if (done) throw new Error('the watch has ended')
    return value
  }
  /** The next event of that name; what comes before it is passed over. */
  const event = async (name: EventFrame['name']): Promise<EventFrame> => {
    for (;;) {
      const item = await next()
      if (item.type === 'event' && item.name === name) return item
    }
  }
  return { watch, next, event }
}

/** Breaks every connection, and lets the client come back once `meanwhile` is done. */
export async function whileCut(
  proxy: TcpProxy,
  observed: Observed,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const lost = becomes(observed, 'offline')
  proxy.cut()
  try {
    await lost
    await meanwhile()
  } finally {
    proxy.heal()
  }
}
