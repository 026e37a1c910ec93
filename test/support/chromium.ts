import { type Browser, chromium } from 'playwright-core'
import { describe, inject } from 'vitest'

const { chromium: executablePath } = inject('programs')

/** Suites that need a browser; without one the summary says that they were not run. */
export const describeInBrowser = describe.skipIf(!executablePath)

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args })
}
