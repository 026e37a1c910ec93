import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { admin } from '../support/admin.ts'
import { type Cluster, isClusterMissing, startCluster } from '../support/cluster.ts'
import { Rest } from '../support/rest.ts'

/** 200 by the contract, and what a busy machine adds. */
const MAX_LATER_MS = 300

describe.skipIf(isClusterMissing)('a sign-in', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({}, 1)
  })
  afterAll(() => cluster.stop())

  /** It asks Redis three times. */
  const failToSignIn = async (): Promise<number> => {
    const rest = Rest.at(cluster.servers[0]?.origin ?? '')
    const started = performance.now()
    const { status } = await rest.post('/auth/login', { ...admin, password: 'not the password' })
    expect(status).toBe(401)
    return performance.now() - started
  }

  it('is hardly later while Redis hangs', async () => {
    const usual = [await failToSignIn(), await failToSignIn(), await failToSignIn()]
    cluster.redis.hang()
    const [first, second] = [await failToSignIn(), await failToSignIn()]
    cluster.redis.heal()
    expect(first).toBeLessThan(Math.max(...usual) + MAX_LATER_MS)
    expect(second).toBeLessThan(Math.max(...usual) + MAX_LATER_MS)
  })
})
