import { ByProject } from '#src/commands/by-project.ts'
import { disconnectAgent } from '#src/commands/runtime.ts'
import type { Writes } from '#src/commands/write-batch.ts'
import { system } from '#src/domain/actor.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { REPLICA_LEASE_SECONDS } from '#src/store/bounds.ts'
import type { Database } from '#src/store/database.ts'
import { forgetReplicas, type LostLink, listLostLinks, renewReplica } from '#src/store/replicas.ts'
import type { Job } from './job.ts'

const BEAT_MS = 5_000
/**
 * How long a replica must have renewed its own lease without a break before it declares other replicas' links lost. So after
 * a restart of all, or an outage of the database, runtimes and replicas come back first. With the lease of 20 s and the
 * beat of 5 s, even a replica that has just started finds the links of a crashed one within 45 s.
 */
const GRACE_MS = REPLICA_LEASE_SECONDS * 1000
const BATCH = 1_000

type Parts = {
  database: Database
  writes: Writes
  replica: string
  /** Compares this process's links with the database. */
  reconcile: () => Promise<void>
  onLost: (project_id: string) => void
}

/** Renews this replica's lease, and finds the links of replicas whose lease has run out. No leader is needed. */
export function createPresenceJob(parts: Parts): Job {
  let last_beat = Number.NEGATIVE_INFINITY
  let present_since = Number.POSITIVE_INFINITY
  const turns = new ByProject()
  return {
    name: 'presence',
    every_ms: BEAT_MS,
    async run() {
      const is_in_time = await renewReplica(parts.database, parts.replica)
      const now = performance.now()
      if (!is_in_time || now - last_beat > 2 * BEAT_MS) present_since = now
      last_beat = now
      await parts.reconcile()
      if (now - present_since >= GRACE_MS) await sweep(parts, turns)
    },
  }
}

async function sweep(parts: Parts, turns: ByProject): Promise<void> {
  for (let found = BATCH; found === BATCH; ) {
    const lost = await listLostLinks(parts.database, { limit: BATCH, except: turns.heldUp })
    await turns.run(lost, (link) => declareLost(parts, link))
    found = lost.length
  }
  await forgetReplicas(parts.database)
}

async function declareLost(parts: Parts, { replica, ...target }: LostLink): Promise<void> {
  try {
    const agent = await disconnectAgent(parts, { ...target, actor: system }, { replica })
    if (!agent.runtime_connected) parts.onLost(target.project_id)
  } catch (error) {
    // The agent was deleted since it was listed.
    if (!(error instanceof SignalboxError)) throw error
  }
}
