import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { type WebhookTimings, webhookTimings } from '#src/domain/webhook.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'

/** As in production, but for the waits. */
export const quick: WebhookTimings = {
  ...webhookTimings,
  poll_ms: 20,
  timeout_ms: 400,
  first_wait_ms: 10,
  max_wait_ms: 40,
}

export type Received = {
  id: string
  headers: IncomingHttpHeaders
  body: string
  payload: {
    type: string
    timestamp: string
    data: { project_id: string; missed_before?: number; events: EventFrame[] }
  }
}

type Answer = (response: ServerResponse, received: Received) => void

export const ok: Answer = (response) => response.writeHead(204).end()
export const status =
  (code: number, headers = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('no')
export const drop: Answer = (response) => response.destroy()
/** Speaks another protocol from here on. */
export const switchProtocols: Answer = ({ socket }) =>
  socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n')
/** Begins to answer, and leaves it at that. */
export const begin: Answer = (response) => {
  response.writeHead(200).write('one moment')
}
/** Never answers. */
export const hang: Answer = () => {}

/** Somebody's server, which gets webhooks. `answer` may be changed at any time. */
export class WebhookReceiver {
  readonly all: Received[] = []
  answer: Answer
  readonly #server: Server

  private constructor(answer: Answer) {
    this.answer = answer
    this.#server = createServer(async (request, response) => {
      const body = await text(request)
      const { 'webhook-id': id } = request.headers
      const received = { id: String(id), headers: request.headers, body, payload: JSON.parse(body) }
      this.all.push(received)
      this.answer(response, received)
    })
  }

  static async start(answer = ok): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(answer)
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?token=its-own`
  }

  get events(): EventFrame[] {
    return this.all.flatMap(({ payload }) => payload.data.events)
  }

  get seqs(): number[] {
    return this.events.map(({ seq }) => seq)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Throws where the signature is not by this secret. */
export function verify(secret: string, { body, headers }: Received): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>)
}

const copy = statement(
  'test_copy_events',
  `with newest as (
     select project_id, seq, frame::jsonb as frame from events where project_id = $1 order by seq desc limit 1
   ), copied as (
     insert into events (project_id, seq, at, frame)
     select project_id, n, now(), jsonb_set(frame, '{seq}', to_jsonb(n))::json
     from newest, generate_series(newest.seq + 1, newest.seq + $2) as n returning seq
   )
   update projects set event_seq = event_seq + $2 where id = $1 and $2 = (select count(*) from copied)`,
)

/** Repeats the newest event of a log, numbered on. */
export async function addEvents({ database }: App, project_id: string, count: number): Promise<void> {
  await database.run(copy, [project_id, count])
}
