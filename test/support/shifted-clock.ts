import { execFileSync } from 'node:child_process'
import { inject } from 'vitest'

const { faketime } = inject('programs')

/** For `describe.skipIf`. */
export const isFaketimeMissing = faketime === undefined

/** Environment variables of a process whose clock is ahead (`+8d`) or behind (`-1h`); its timers run as ever. */
export function shiftedClock(shift: string): Record<string, string> {
  return { ...preload(), FAKETIME: shift }
}

/** The same, as a file says at each time. */
export function settableClock(file: string): Record<string, string> {
  return { ...preload(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1' }
}

function preload() {
  const library = execFileSync(faketime ?? 'faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'])
  return { LD_PRELOAD: library.toString().trim(), FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}
