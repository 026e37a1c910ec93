import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { type Agent, type Rest, spawn } from '../support/rest.ts'
import { type CollectedSpan, TraceCollector } from '../support/trace-collector.ts'
import { Watcher } from '../support/watcher.ts'

const CLICK = 'c11cc11cc11cc11c'

describe.skipIf(isClusterMissing)('the trace of a pause', () => {
  let collector: TraceCollector
  let cluster: Cluster
  let agent: Agent
  let runtime: Watcher
  let watcher: Watcher

  beforeAll(async () => {
    collector = await TraceCollector.start()
    cluster = await startCluster({ ...collector.env, OTEL_TRACES_SAMPLER: 'parentbased_always_off' })
    agent = await spawn(cluster.fleet)
    const [, far] = cluster.servers
    const token = cluster.rests[0]?.token
    runtime = new Watcher(far?.ws as string, { token })
    watcher = new Watcher(far?.ws as string, { token })
    await runtime.next('hello')
    await runtime.ask({ type: 'attach', agent_id: agent.id }, 'attached')
    await watcher.next('hello')
    await watcher.ask({ type: 'subscribe', project_id: cluster.fleet.project_id }, 'snapshot')
  })

  afterAll(async () => {
    await cluster?.stop()
    collector?.stop()
  })

  /** Pauses by one replica, as the dashboard does. The runtime on the other acknowledges, and the whole trace is exported. */
  const order = async (action: string, trace_id: string, headers: Record<string, string>) => {
    const traceparent = `00-${trace_id}-${CLICK}-01`
    const rest = cluster.rests[0] as Rest
    const path = `${cluster.fleet.agents}/${agent.id}/${action}`
    const answer = await rest.call('POST', path, {}, { traceparent, ...headers })
    expect(answer.status).toBe(200)
    const frame = await runtime.next('signal')
    const { id, traceparent: carried } = frame.signal as { id: string; traceparent: string }
    await runtime.ask({ type: 'ack', agent_id: agent.id, signal_id: id, outcome: 'done' }, 'acknowledged')
    await watcher.next((event) => event.name === 'agent.signal_acknowledged')
    const route = `POST /api/v1/projects/{project_id}/agents/{agent_id}/${action}`
    const paths = () => treeOf(collector.trace(trace_id)).sort()
    await expect.poll(paths, { timeout: 10_000 }).toEqual(expectedTree(route))
    return { spans: collector.trace(trace_id), carried }
  }

  it.each([
    ['pause', 'a'.repeat(32), {} as Record<string, string>],
    ['resume', 'b'.repeat(32), { 'idempotency-key': 'a-key-of-a-resume' }],
  ])(
    'is one tree from the click over both replicas to the runtime’s ack: %s',
    async (action, trace_id, headers) => {
      const { spans, carried } = await order(action, trace_id, headers)
      expect(spans.filter(({ parentSpanId }) => parentSpanId === CLICK)).toHaveLength(1)
      // The runtime can continue the trace.
      const signal = spans.find(({ name }) => name === 'signal')
      expect(carried).toBe(`00-${trace_id}-${signal?.spanId}-01`)
    },
  )

  it('is the only recorded trace, since the sampler follows the caller', async () => {
    await cluster.rests[0]?.get('/projects')
    for (const server of cluster.servers) await server.end()
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(
      new Set(['a'.repeat(32), 'b'.repeat(32)]),
    )
  })
})

describe.skipIf(isClusterMissing)('a missing collector', () => {
  it('costs only the traces', async () => {
    const gone = await TraceCollector.start()
    const { env } = gone
    gone.stop()
    const cluster = await startCluster(env, 1)
    const agent = await spawn(cluster.fleet)
    const rest = cluster.rests[0] as Rest
    expect((await rest.post(`${cluster.fleet.agents}/${agent.id}/pause`)).status).toBe(200)
    const asked = performance.now()
    expect(await cluster.servers[0]?.end()).toBe(0)
    expect(performance.now() - asked).toBeLessThan(8_000)
    expect(cluster.servers[0]?.errors).toEqual([])
    await cluster.stop()
  })
})

function expectedTree(route: string): string[] {
  const hub = `${route} > transaction > publish > hub`
  const obeyed = `${hub} > signal > ws ack`
  return [
    route,
    `${route} > transaction`,
    `${route} > transaction > publish`,
    hub,
    `${hub} > socket`,
    `${hub} > signal`,
    obeyed,
    `${obeyed} > transaction`,
    `${obeyed} > transaction > publish`,
    `${obeyed} > transaction > publish > hub`,
    `${obeyed} > transaction > publish > hub > socket`,
  ].sort()
}

/** Each span as the names from the root down to it. A span whose parent is missing counts as a root. */
function treeOf(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const pathOf = (span: CollectedSpan): string => {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    return parent ? `${pathOf(parent)} > ${span.name}` : span.name
  }
  return spans.map(pathOf)
}
