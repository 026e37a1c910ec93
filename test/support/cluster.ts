import { backends, sharedBackends } from './backends.ts'
import { createFleet, type Fleet, Rest } from './rest.ts'
import { ServerProcess } from './server-process.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** Two server processes on one PostgreSQL and one Redis, each behind a proxy that can misbehave. */
export type Cluster = {
  servers: ServerProcess[]
  rests: Rest[]
  fleet: Fleet
  /** Straight to the database, past the proxy. */
  databaseUrl: string
  redis: TcpProxy
  postgres: TcpProxy
  /** One more, with settings of its own. */
  startServer: (own?: Record<string, string>) => Promise<ServerProcess>
  stop: () => Promise<void>
}

export async function startCluster(env: Record<string, string> = {}, size = 2): Promise<Cluster> {
  const [backend] = sharedBackends
  const config = await backend?.config()
  if (!config?.databaseUrl || !config.redisUrl) throw new Error('a cluster needs both servers')
  const { databaseUrl, redisUrl } = config
  const [postgres, redis] = [await TcpProxy.to(databaseUrl), await TcpProxy.to(redisUrl)]
  const startServer = (own: Record<string, string> = {}) =>
    ServerProcess.start({
      LOG_LEVEL: 'info',
      DATABASE_URL: postgres.through(databaseUrl),
      REDIS_URL: redis.through(redisUrl),
      ...env,
      ...own,
    })
  const servers = await Promise.all(Array.from({ length: size }, () => startServer()))
  const rests: Rest[] = []
  for (const server of servers) rests.push(await Rest.at(server.origin).signIn())
  const fleet = await createFleet(rests[0] as Rest)
  const stop = async () => {
    for (const proxy of [postgres, redis]) proxy.heal()
    await Promise.all(servers.map((server) => server.end('SIGKILL')))
    await Promise.all([postgres.close(), redis.close()])
  }
  return { servers, rests, fleet, databaseUrl, redis, postgres, startServer, stop }
}

/** For `describe.skipIf`: the global set-up says in its summary what was not run. */
export const isClusterMissing = sharedBackends.length === 0 && backends.length > 0
