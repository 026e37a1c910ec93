import { disconnectAgent } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { system } from '#src/domain/events.ts'
import type { Database } from '#src/store/database.ts'
import {
  forgetReplicas,
  LEASE_SECONDS,
  type LostLink,
  listLostLinks,
  renewReplica,
} from '#src/store/replicas.ts'
import type { Job } from './job.ts'

const BEAT_MS = 5_000
/**
 * How long a replica must have renewed its own lease without a break before it declares others' links lost. So
 * after a restart of all, or a database that was away, runtimes and replicas come back first. With the lease
 * of 20 s and the beat of 5 s a crashed replica's links are found within 45 s, also by one that has just started.
 */
const GRACE_MS = LEASE_SECONDS * 1000
const BATCH = 1_000

type Parts = {
  database: Database
  writes: Writes
  replica: string
  /** Compares the links here with the database. */
  reconcile: () => Promise<void>
  onLost: (project_id: string) => void
}

/** Renews this replica's lease, and finds the links of those whose lease has run out. No leader is needed. */
export function createPresenceJob(parts: Parts): Job {
  let last_beat = Number.NEGATIVE_INFINITY
  let present_since = Number.POSITIVE_INFINITY
  return {
    name: 'presence',
    every_ms: BEAT_MS,
    async run() {
      const is_in_time = await renewReplica(parts.database, parts.replica)
      const now = performance.now()
      if (!is_in_time || now - last_beat > 2 * BEAT_MS) present_since = now
      last_beat = now
      await parts.reconcile()
      if (now - present_since >= GRACE_MS) await sweep(parts)
    },
  }
}

async function sweep(parts: Parts): Promise<void> {
  for (let found = BATCH; found === BATCH; ) {
    const lost = await listLostLinks(parts.database, BATCH)
    await Promise.all(lost.map((link) => declareLost(parts, link)))
    found = lost.length
  }
  await forgetReplicas(parts.database)
}

async function declareLost(parts: Parts, { replica, ...target }: LostLink): Promise<void> {
  try {
    const agent = await disconnectAgent(parts, { ...target, actor: system }, { replica })
    if (!agent.runtime_connected) parts.onLost(target.project_id)
  } catch (error) {
    // One that was deleted meanwhile.
    if (!(error instanceof SignalboxError)) throw error
  }
}
