import { parentPort, workerData } from 'node:worker_threads'
import { WebSocket } from 'ws'

const PERIOD_MS = 200
const MAX_WAIT_MS = 5_000

/** `path` is that of an agent, `token` good for its project. */
export type BystanderParts = { origin: string; token: string; project_id: string; path: string }
export type Seen = { sent: number; received: number; worst_ms: number }

const { origin, token, project_id, path } = workerData as BystanderParts
const authorization = `Bearer ${token}`
const sentAt = new Map<string, number>()
let late: number[] = []
let [sent, counter] = [0, 0]
let timer: NodeJS.Timeout

const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, ['signalbox.v1'], {
  headers: { authorization },
})
socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', project_id })))
socket.on('message', (data) => {
  const { type, agent } = JSON.parse(data.toString())
  if (type === 'subscribed') {
    begin()
    parentPort?.postMessage('ready')
  }
  const at = sentAt.get(agent?.current_task)
  if (at === undefined) return
  sentAt.delete(agent.current_task)
  late.push(performance.now() - at)
})
parentPort?.on('message', restart)

async function restart(): Promise<void> {
  while (sent === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  clearInterval(timer)
  const last = Date.now() + MAX_WAIT_MS
  while (sentAt.size > 0 && Date.now() < last) await new Promise((resolve) => setTimeout(resolve, 10))
  parentPort?.postMessage({ sent, received: late.length, worst_ms: Math.max(0, ...late) } satisfies Seen)
  begin()
}

function begin(): void {
  late = []
  sent = 0
  sentAt.clear()
  timer = setInterval(change, PERIOD_MS)
}

function change(): void {
  const current_task = `task ${counter++}`
  sent++
  sentAt.set(current_task, performance.now())
  const headers = { authorization, 'content-type': 'application/json' }
  // What is not answered is an event that does not come: it is seen there.
  fetch(origin + path, { method: 'PATCH', headers, body: JSON.stringify({ current_task }) })
    .then((response) => response.arrayBuffer())
    .catch(() => {})
}
