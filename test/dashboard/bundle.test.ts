import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))
const read = (name: string) => readFileSync(folder + name)

/** The most that a first visit may load of script, as it comes over the wire. */
const MAX_SCRIPT_BYTES = 60_000

describe('the built page', () => {
  const page = read('index.html').toString()
  const scripts = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, name = '']) => name)

  it('loads less than 60 kB of script at first', () => {
    expect(scripts.length).toBeGreaterThan(0)
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(read(name)).length, 0)
    expect(bytes).toBeLessThan(MAX_SCRIPT_BYTES)
  })

  it('loads the chart library with the first chart', () => {
    const others = readdirSync(`${folder}assets`).filter(
      (name) => name.endsWith('.js') && !scripts.includes(`assets/${name}`),
    )
    expect(others.some((name) => read(`assets/${name}`).includes('uplot'))).toBe(true)
    expect(scripts.some((name) => read(name).includes('u-over'))).toBe(false)
  })

  it('has no inline script or style, and loads nothing from another server', () => {
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style| style=| on\w+=/)
    expect(page).not.toMatch(/https?:/)
  })
})
