import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Loading } from './app-state.ts'
import { sayError } from './problems.ts'
import { reconnects } from './reconnects.ts'

/** The answer of a call, which is repeated by `reload`, when `key` changes, and every `everyMs`. */
export function useLoaded<Value>(
  key: string,
  load: () => Promise<Value>,
  everyMs?: number,
): Loading<Value> & { reload: () => void } {
  const [state, setState] = useState<Loading<Value>>({})
  const [turn, setTurn] = useState(0)
  const opened = reconnects.value
  const reload = useCallback(() => setTurn((known) => known + 1), [])
  // `key` identifies the call: a new function with the same key does not repeat it.
  useEffect(() => {
    let isHere = true
    load().then(
      (value) => isHere && setState({ value }),
      (error: unknown) => isHere && setState((known) => ({ ...known, problem: sayError(error) })),
    )
    return () => {
      isHere = false
    }
  }, [key, turn])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(reload, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])
  // A failed call is repeated once there is a connection again.
  useEffect(() => {
    if (state.problem !== undefined) reload()
  }, [opened])
  return { ...state, reload }
}

/** Follows a value once it has not changed for `ms`. */
export function useRested<Value>(value: Value, ms: number): Value {
  const [rested, setRested] = useState(value)
  useEffect(() => {
    if (value === rested) return
    const timer = setTimeout(() => setRested(value), ms)
    return () => clearTimeout(timer)
  }, [value, rested, ms])
  return rested
}

/** Follows a value, and changes at most every `everyMs`. */
export function useSettled<Value>(value: Value, everyMs: number): Value {
  const [settled, setSettled] = useState({ value, at: 0 })
  useEffect(() => {
    if (value === settled.value) return
    const wait = Math.max(0, settled.at + everyMs - Date.now())
    const timer = setTimeout(() => setSettled({ value, at: Date.now() }), wait)
    return () => clearTimeout(timer)
  }, [value, settled, everyMs])
  return settled.value
}
