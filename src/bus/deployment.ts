import { createHash } from 'node:crypto'
import { parseRedisUrl } from './redis-url.ts'

const NAME_BYTES = 9

/**
 * Names a deployment, so that several on one Redis stay apart, even one with a copy of another's database and SECRET_KEY.
 * The name is part of channels, keys and the key that signs news. It is made of the database's identity
 * (`identifyDatabase`) and the number of the Redis database, which pub/sub would ignore.
 */
export function nameDeployment(database: string, redisUrl: string): string {
  const location = parseRedisUrl(redisUrl)
  const redisDatabase = location.kind === 'server' ? location.database : 0
  return createHash('sha256')
    .update(`${redisDatabase} ${database}`)
    .digest()
    .subarray(0, NAME_BYTES)
    .toString('base64url')
}
