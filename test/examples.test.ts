import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, inject, it } from 'vitest'
import * as examples from '#src/protocol/examples.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'

const { python } = inject('programs')

/** The agent of the example without its library, which Python has not got by itself: its socket is a list. */
const script = `
import asyncio, json, sys, types
sys.path.insert(0, sys.argv[1])
for name in ('websockets', 'websockets.asyncio', 'websockets.asyncio.client', 'websockets.exceptions'):
    sys.modules[name] = types.ModuleType(name)
sys.modules['websockets.asyncio.client'].connect = None
sys.modules['websockets.exceptions'].ConnectionClosed = OSError
import agent as example

class Socket:
    def __init__(self):
        self.sent = asyncio.Queue()
    async def send(self, text):
        await self.sent.put(json.loads(text))

async def main():
    example.RETRY_S = 0.01
    agent = example.Agent()
    agent.socket = Socket()
    print(json.dumps(agent.introduction()))
    await agent.take({'type': 'attached', 'agent_id': sys.argv[2], 'last_report': 8, 'agent': {'status': 'idle'}})
    print(json.dumps(agent.introduction()))
    step = asyncio.create_task(agent.interruptible(asyncio.sleep(60)))
    await asyncio.sleep(0)
    for id, kind, mode in ((1, 'pause', 'interrupt'), (2, 'resume', None)):
        await agent.take({'type': 'signal', 'signal': {'id': id, 'kind': kind, 'mode': mode}})
        assert (await agent.socket.sent.get())['signal_id'] == id
    assert agent.running.is_set() and not await step
    assert await agent.interruptible(asyncio.sleep(0))
    told = asyncio.create_task(agent.tell(usage={'tokens_used': 1}))
    report = await agent.socket.sent.get()
    assert (report['n'], report['agent_id']) == (9, sys.argv[2])
    await agent.take({'type': 'error', 'id': report['id'], 'code': 'DB_001', 'message': 'The database is away'})
    assert await agent.socket.sent.get() == report
    await agent.take({'type': 'reported', 'id': report['id'], 'n': report['n']})
    await told
    told = asyncio.create_task(agent.tell(usage={'cost_incurred': 'a lot'}))
    report = await agent.socket.sent.get()
    await agent.take({'type': 'error', 'id': report['id'], 'code': 'VAL_001', 'message': 'Must be an amount', 'field': 'usage.cost_incurred'})
    await told
    assert not agent.terminated.is_set()
    print('continued')

asyncio.run(asyncio.wait_for(main(), 10))
`
const pathOf = (name: string) => new URL(`../examples/${name}`, import.meta.url).pathname

describe('the notes for runtimes in other languages', () => {
  it.each(['langgraph.md', '../docs/connect.md'])('show frames that match the protocol in %s', (file) => {
    const text = readFileSync(pathOf(file), 'utf8')
    const blocks = [...text.matchAll(/```json\n(.*?)\n *```/gs)]
    const frames = blocks.flatMap(([, block = '']) => block.split('\n'))
    expect(frames.length).toBeGreaterThan(2)
    for (const frame of frames.map((line) => JSON.parse(line))) {
      const schema = clientMessages[frame.type as keyof typeof clientMessages]
      if (schema) expect(v.safeParse(schema, frame).issues).toBeUndefined()
      else
        expect(['hello', 'attached', 'signal', 'acknowledged', 'reported', 'goodbye']).toContain(frame.type)
    }
  })

  it.skipIf(!python)('have a Python agent with valid syntax', () => {
    const parse = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    execFileSync(python as string, ['-c', parse, pathOf('agent.py')])
  })

  it.skipIf(!python)(
    'have a Python agent that registers, can be interrupted, prints refusals, and continues',
    () => {
      const env = { SIGNALBOX_TOKEN: 'any', EXTERNAL_ID: 'crawler-7', AGENT_TYPE: 'crawler' }
      const args = ['-c', script, pathOf(''), examples.ids.agent]
      const { stdout, stderr, status } = spawnSync(python as string, args, { env })
      const [register = '', attach = '', ...rest] = String(stdout).split('\n')
      expect({ rest, status }).toEqual({ rest: ['continued', ''], status: 0 })
      expect(v.parse(clientMessages.register, JSON.parse(register))).toMatchObject({
        ...{ external_id: 'crawler-7', agent_type: 'crawler', capabilities: ['interrupt'] },
      })
      expect(v.parse(clientMessages.attach, JSON.parse(attach))).toMatchObject({
        agent_id: examples.ids.agent,
      })
      expect(String(stderr).split('\n')).toEqual([
        'refused: DB_001 The database is away',
        'refused: VAL_001 Must be an amount usage.cost_incurred',
        '',
      ])
    },
  )
})
