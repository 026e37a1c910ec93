import { nameDeployment } from '#src/bus/deployment.ts'
import { identifyDatabase } from '#src/store/identity.ts'
import { withServer } from './databases.ts'

/** What servers on these call their deployment. */
export function readDeployment(databaseUrl: string, redisUrl: string): Promise<string> {
  return withServer(databaseUrl, async (client) => {
    const run = async <Row>({ text }: { text: string }) => (await client.query(text)).rows as Row[]
    return nameDeployment(await identifyDatabase({ run }), redisUrl)
  })
}
