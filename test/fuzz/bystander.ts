import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createFleet, type Rest, spawn } from '../support/rest.ts'
import type { BystanderParts, Seen } from './bystander-worker.ts'

/**
 * Somebody with a project of their own: a change every 200 ms, and a dashboard that has to show it at once.
 * On a thread of its own: what keeps this one busy is not the server's fault.
 */
export class Bystander {
  readonly #worker: Worker

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** With a key of its own, so that nothing that happens to another user concerns it. */
  static async start(origin: string, superuser: Rest): Promise<Bystander> {
    const fleet = await createFleet(superuser)
    const { id } = await spawn(fleet)
    const key = { name: 'bystander', role: 'operator', project_id: fleet.project_id }
    const { body } = await superuser.post<{ key: string }>('/api-keys', key)
    const path = `/api/v1${fleet.agents}/${id}`
    const parts: BystanderParts = { origin, token: body.key, project_id: fleet.project_id, path }
    const worker = new Worker(new URL('./bystander-worker.ts', import.meta.url), { workerData: parts })
    await once(worker, 'message')
    return new Bystander(worker)
  }

  /** Waits for what is under way, tells how it went, and begins anew. */
  async restart(): Promise<Seen> {
    this.#worker.postMessage('restart')
    const [seen] = (await once(this.#worker, 'message')) as [Seen]
    return seen
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
