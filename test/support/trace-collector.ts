import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type CollectedSpan = {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  attributes: Record<string, unknown>
}

type Attribute = { key: string; value: Record<string, unknown> }
type Exported = {
  resourceSpans: {
    scopeSpans: { spans: (Omit<CollectedSpan, 'attributes'> & { attributes: Attribute[] })[] }[]
  }[]
}

/** Takes what servers export by OTLP over HTTP, as JSON. */
export class TraceCollector {
  readonly #server: Server
  readonly spans: CollectedSpan[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.#take(JSON.parse(Buffer.concat(chunks).toString()) as Exported)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
  }

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector()
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve))
    return collector
  }

  /** What servers are started with, to export to this one. */
  get env(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    }
  }

  #take({ resourceSpans }: Exported): void {
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
    for (const { traceId, spanId, parentSpanId, name, attributes } of spans) {
      const values = attributes.map(({ key, value }) => [key, Object.values(value)[0]])
      this.spans.push({
        traceId,
        spanId,
        parentSpanId: parentSpanId || undefined,
        name,
        attributes: Object.fromEntries(values),
      })
    }
  }

  trace(id: string): CollectedSpan[] {
    return this.spans.filter(({ traceId }) => traceId === id)
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
