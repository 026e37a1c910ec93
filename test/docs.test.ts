import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { transitions } from '#src/domain/lifecycle.ts'
import { clientMessages } from '#src/protocol/frames.ts'
import { serverMessages } from '#src/protocol/server-messages.ts'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

describe('the documents', () => {
  it('show the lifecycle as the code has it', () => {
    const section = read('ARCHITECTURE.md').split('## Lifecycle')[1]?.split('## A change')[0] ?? ''
    const rows = [...section.matchAll(/^\| (\w+) \| ([\w, ]*)\|$/gm)].slice(1)
    const table = rows.map(([, from, to]) => [from, to?.trim() ? to.trim().split(', ') : []])
    expect(Object.fromEntries(table)).toEqual(transitions)
  })

  it('show messages as clients and servers send them', () => {
    const blocks = [...read('PROTOCOL.md').matchAll(/```json\n(.*?)\n```/gs)].map(([, text]) =>
      JSON.parse(text ?? ''),
    )
    expect(blocks.length).toBeGreaterThan(3)
    for (const block of blocks) {
      if (Object.hasOwn(clientMessages, block.type)) {
        const schema = clientMessages[block.type as keyof typeof clientMessages]
        expect(v.safeParse(schema, block).issues).toBeUndefined()
      } else {
        const schema = serverMessages[block.type as keyof typeof serverMessages]
        expect(v.safeParse(schema, block).issues).toBeUndefined()
      }
    }
  })
})
