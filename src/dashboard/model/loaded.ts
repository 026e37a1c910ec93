import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Loading } from './world.ts'

/** What a call answers, while the component is there; asked again with `reload`, or when `key` changes. */
export function useLoaded<Value>(
  key: string,
  load: () => Promise<Value>,
): Loading<Value> & { reload: () => void } {
  const [state, setState] = useState<Loading<Value>>({})
  const [turn, setTurn] = useState(0)
  // The call is what `key` says: a new function for the same thing is no reason to ask again.
  useEffect(() => {
    let isHere = true
    load().then(
      (value) => isHere && setState({ value }),
      (error: unknown) =>
        isHere &&
        setState((known) => ({ ...known, problem: error instanceof Error ? error.message : String(error) })),
    )
    return () => {
      isHere = false
    }
  }, [key, turn])
  return { ...state, reload: useCallback(() => setTurn((known) => known + 1), []) }
}

/** Follows a value, but changes at most so often. */
export function useSettled<Value>(value: Value, every_ms: number): Value {
  const [settled, setSettled] = useState({ value, at: 0 })
  useEffect(() => {
    if (value === settled.value) return
    const wait = Math.max(0, settled.at + every_ms - Date.now())
    const timer = setTimeout(() => setSettled({ value, at: Date.now() }), wait)
    return () => clearTimeout(timer)
  }, [value, settled, every_ms])
  return settled.value
}
