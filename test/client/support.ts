import type { LinkState } from '#src/client/state.ts'

type Observed = {
  state: LinkState
  on(name: 'state', listener: (state: LinkState) => void): () => void
}

/** Resolves when it is so, at once if it is; the state is what it became. */
export function becomes<Kind extends LinkState['kind']>(
  observed: Observed,
  kind: Kind,
): Promise<Extract<LinkState, { kind: Kind }>> {
  return new Promise((resolve) => {
    const look = (state: LinkState) => {
      if (state.kind !== kind) return
      stop()
      resolve(state as Extract<LinkState, { kind: Kind }>)
    }
    const stop = observed.on('state', look)
    look(observed.state)
  })
}
