import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, inject, it } from 'vitest'
import { clientMessages } from '#src/protocol/frames.ts'

const { python } = inject('programs')
const pathOf = (name: string) => new URL(`../examples/${name}`, import.meta.url).pathname

describe('the notes for runtimes in other languages', () => {
  it('show frames as the protocol has them', () => {
    const text = readFileSync(pathOf('langgraph.md'), 'utf8')
    const frames = [...text.matchAll(/```json\n(.*?)\n```/gs)].flatMap(([, block = '']) => block.split('\n'))
    expect(frames.length).toBeGreaterThan(3)
    for (const frame of frames.map((line) => JSON.parse(line))) {
      const schema = clientMessages[frame.type as keyof typeof clientMessages]
      if (schema) expect(v.safeParse(schema, frame).issues).toBeUndefined()
      else
        expect(['hello', 'attached', 'signal', 'acknowledged', 'reported', 'goodbye']).toContain(frame.type)
    }
  })

  it.skipIf(!python)('have an agent in Python without mistakes of syntax', () => {
    const parse = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    execFileSync(python as string, ['-c', parse, pathOf('agent.py')])
  })
})
