import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toAgentSummary } from '#src/domain/agent.ts'
import { agentEventNames } from '#src/domain/events.ts'
import { readFrame, writeFrame } from '#src/store/event-frame.ts'
import { anAgent, context, NOW } from '../domain/an-agent.ts'

const hostile = [
  '"seq":7,"epoch":9',
  '","epoch":9,"name":"agent.terminated","at":"1970-01-01T00:00:00.000Z"',
  '{"type":"event","project_id":"x","seq":1,"epoch":9,"name":"agent.spawned","at":"x"',
  '\\","seq":1,"epoch":2',
  '$1$&$`',
  '\u2028"\u0000\ud800',
]
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' }), fc.string())

const events = fc.record({
  seq: fc.integer({ min: 1 }),
  epoch: fc.integer({ min: 1 }),
  name: fc.constantFrom(...agentEventNames),
  agent: fc
    .record({ name: text, current_task: text, project_name: text, agent_type_name: text })
    .map((own) => toAgentSummary(anAgent(own))),
})
const toText = (event: typeof events extends fc.Arbitrary<infer Event> ? Event : never) =>
  writeFrame({ ...event, project_id: event.agent.project_id, at: NOW, actor: context.actor })

describe('the text of an event', () => {
  test('yields its epoch, name and time, even if an agent has a hostile name', () => {
    fc.assert(
      fc.property(events, (event) => {
        const frame = toText(event)
        const { epoch, name } = event
        expect(readFrame(frame)).toEqual({ epoch, name, at: NOW, frame })
      }),
    )
  })

  test('differs in another epoch only by that number', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1 }), (event, epoch) => {
        const read = readFrame(toText(event), epoch)
        expect(read.epoch).toBe(epoch)
        expect(read.frame).toBe(toText({ ...event, epoch }))
      }),
    )
  })

  test('belongs to the first epoch if an older server wrote it without one', () => {
    fc.assert(
      fc.property(events, (event) => {
        const old = toText(event).replace(`"epoch":${event.epoch},`, '')
        const frame = toText({ ...event, epoch: 1 })
        expect(readFrame(old)).toEqual({ epoch: 1, name: event.name, at: NOW, frame })
      }),
    )
  })

  test('is read in any order of its fields', () => {
    fc.assert(
      fc.property(events, (event) => {
        const { name, at, epoch, ...others } = JSON.parse(toText(event))
        const frame = JSON.stringify({ ...others, at, name, epoch }, null, 1)
        expect(readFrame(frame)).toEqual({ epoch, name, at, frame })
        expect(JSON.parse(readFrame(frame, 5).frame)).toEqual({ ...others, at, name, epoch: 5 })
      }),
    )
  })
})
