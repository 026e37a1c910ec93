/** Bytes that the peers of one user, and of the whole process, may leave unread over all sockets, streams and answers. */
const USER_BYTES = 32 * 1024 * 1024
const PROCESS_BYTES = 128 * 1024 * 1024
/** The size of writes once there is no room, so that a peer that reads still makes progress. */
export const SMALLEST_WRITE_BYTES = 64 * 1024

export type UnsentBudget = {
  /** `whose` is a user, with all its keys and the tokens of its agents. */
  account: (whose: string) => UnsentAccount
  /** The bytes of the whole process, for metrics. */
  held: () => number
}

export type UnsentAccount = {
  /** Bytes that may be added, at least 0. At 0 readers get SMALLEST_WRITE_BYTES at a time, and large answers are refused. */
  room: () => number
  /** Whether there is room for an answer. A user that has left nothing unread gets any answer, however large. */
  fits: (bytes: number) => boolean
  /** Counts bytes in memory until the returned function is called. A block that many peers wait for counts once. */
  hold: (what: Block | number) => () => void
}

/** A buffer, known by its identity. */
type Block = { readonly length: number }
type Held = { bytes: number; buffers: Map<Block, number> }

/** Counts bytes that the server holds for peers that have not taken them, since bounds of single peers do not bound their sum. */
export function createUnsentBudget({ user = USER_BYTES, whole = PROCESS_BYTES } = {}): UnsentBudget {
  const users = new Map<string, Held>()
  let total = 0

  const change = (whose: string, held: Held, bytes: number) => {
    held.bytes += bytes
    total += bytes
    if (held.bytes === 0) users.delete(whose)
  }
  const add = (whose: string, what: Block | number) => {
    const held = users.get(whose) ?? { bytes: 0, buffers: new Map<Block, number>() }
    users.set(whose, held)
    if (typeof what === 'number') return change(whose, held, what)
    const holders = held.buffers.get(what) ?? 0
    held.buffers.set(what, holders + 1)
    if (holders === 0) change(whose, held, what.length)
  }
  const remove = (whose: string, what: Block | number) => {
    const held = users.get(whose)
    if (!held) return
    if (typeof what === 'number') return change(whose, held, -what)
    const left = (held.buffers.get(what) ?? 1) - 1
    if (left > 0) held.buffers.set(what, left)
    else if (held.buffers.delete(what)) change(whose, held, -what.length)
  }

  const room = (whose: string) => Math.max(0, Math.min(user - (users.get(whose)?.bytes ?? 0), whole - total))

  return {
    held: () => total,
    account: (whose) => ({
      room: () => room(whose),
      fits: (bytes) => !users.has(whose) || bytes <= room(whose),
      hold(what) {
        add(whose, what)
        let isHeld = true
        return () => {
          if (isHeld) remove(whose, what)
          isHeld = false
        }
      },
    }),
  }
}
