import pg from 'pg'
import type { Cluster } from '../support/cluster.ts'
import { RawReader } from '../support/raw-reader.ts'
import { type Agent, type Fleet, type Rest, spawn } from '../support/rest.ts'

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Repeats some work while a promise is pending, then resolves as the promise did. */
export async function during<Result>(
  waiting: Promise<Result>,
  work: () => Promise<unknown>,
): Promise<Result> {
  let isOver = false
  const over = waiting.finally(() => {
    isOver = true
  })
  // A failure is reported at the end.
  over.catch(() => {})
  while (!isOver) await work()
  return over
}

/** Locks the agents until `work` is done, as a careless migration would. */
export async function lockAgents(databaseUrl: string, work: () => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('lock table agents in access exclusive mode')
    await work()
    await client.query('commit')
  } finally {
    await client.end()
  }
}

export async function runStatement(databaseUrl: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(text).finally(() => client.end())
}

/** Keeps a number of requests under way until it is ended. */
export function ask(rest: Rest, path: string, at_once: number): () => Promise<unknown> {
  let isEnded = false
  const work = async () => {
    while (!isEnded) await rest.get(path).catch(() => {})
  }
  const working = Promise.all(Array.from({ length: at_once }, work))
  return () => {
    isEnded = true
    return working
  }
}

const BIG_TASK = 'x'.repeat(20_000)
/** More than a local connection's buffers and the megabyte that a server keeps can take. */
const FILL_BYTES = 16 * 1024 * 1024

/** Opens watchers of a new project that stop reading. Resolves once more is written than the network takes. */
export async function openStuckReaders(
  { servers, rests }: Cluster,
  fleet: Fleet,
  count: number,
): Promise<RawReader[]> {
  const agents = await Promise.all(Array.from({ length: 4 }, () => spawn(fleet)))
  const readers: RawReader[] = []
  for (let index = 0; index < count; index++) {
    const subscribed = Promise.withResolvers<void>()
    const reader = new RawReader(servers[0]?.ws ?? '', rests[0]?.token ?? '', (text) => {
      const { type } = JSON.parse(text) as { type: string }
      if (type === 'hello') reader.send({ type: 'subscribe', project_id: fleet.project_id })
      if (type === 'subscribed') subscribed.resolve()
    })
    await subscribed.promise
    reader.socket.pause()
    readers.push(reader)
  }
  const write = async ({ id }: Agent) => {
    for (let left = FILL_BYTES / BIG_TASK.length / agents.length; left > 0; left--) {
      await fleet.rest.patch(`${fleet.agents}/${id}`, { current_task: `${left} ${BIG_TASK}` })
    }
  }
  await Promise.all(agents.map(write))
  return readers
}
