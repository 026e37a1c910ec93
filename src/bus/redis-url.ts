export type RedisNode = { host: string; port: number }

/** Some nodes of a cluster. They know the others. */
export type ClusterLocation = {
  kind: 'cluster'
  nodes: readonly RedisNode[]
  username: string | undefined
  password: string | undefined
  tls: boolean
}

/** `database`: the number of one of the server's databases. */
export type RedisLocation = { kind: 'server'; url: string; database: number } | ClusterLocation

const DEFAULT_PORT = 6_379
const schemes = 'redis://, rediss://, redis+cluster:// or rediss+cluster://'
const shape =
  /^(?<scheme>rediss?)(?<cluster>\+cluster)?:\/\/(?:(?<credentials>[^@/]*)@)?(?<hosts>[^@/?#]+)(?<rest>.*)$/

/**
 * Reads a Redis URL. A cluster has `+cluster` in its scheme, or several nodes separated by commas; scheme and credentials
 * come once, for all nodes. Throws a `RangeError` that says what is wrong without showing the value.
 */
export function parseRedisUrl(value: string): RedisLocation {
  const { scheme, cluster, credentials = '', hosts = '', rest = '' } = shape.exec(value)?.groups ?? {}
  const isCluster = cluster !== undefined || hosts.includes(',')
  if (!scheme || !(isCluster || URL.canParse(value))) {
    throw new RangeError(`must be a URL beginning with ${schemes}`)
  }
  if (rest.includes(',')) throw new RangeError('must name the nodes of a cluster before anything else')
  if (!isCluster) {
    parseCredentials(credentials)
    if (!/^(\/\d{0,5})?(\?.*)?$/.test(rest))
      throw new RangeError('must end with the number of a database, or before it')
    const { pathname, searchParams } = new URL(value)
    return { kind: 'server', url: value, database: Number(pathname.slice(1) || searchParams.get('db') || 0) }
  }
  if (/@|\/\//.test(rest)) {
    throw new RangeError('must have scheme and credentials once: redis://user:password@a:6379,b:6379')
  }
  if (!['', '/', '/0'].includes(rest)) {
    throw new RangeError('must end after the nodes of a cluster, which has no database but 0')
  }
  const nodes = hosts.split(',').map(parseNode)
  return { kind: 'cluster', nodes, ...parseCredentials(credentials), tls: scheme === 'rediss' }
}

function parseNode(text: string): RedisNode {
  const url = `redis://${text.trim()}`
  const { hostname, port, username } = URL.canParse(url) ? new URL(url) : {}
  if (!hostname || username) throw new RangeError('must have host:port for each node of a cluster')
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port ? Number(port) : DEFAULT_PORT }
}

function parseCredentials(text: string): { username: string | undefined; password: string | undefined } {
  const [username = '', ...password] = text.split(':')
  try {
    return {
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password.join(':')) || undefined,
    }
  } catch {
    throw new RangeError('must have its credentials percent-encoded')
  }
}
