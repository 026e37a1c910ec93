import { runAgent } from 'signalbox/client'
import { query } from 'signalbox/client/claude-agent-sdk'

const { SIGNALBOX_URL: url = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: token = '' } = process.env
const identity = { external_id: 'releaser-1', name: 'Releaser', agent_type: 'releaser' }
const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
const options = {
  model: 'claude-sonnet-5',
  permissionMode: 'default', // Calls that no rule allows are asked about.
  mcpServers: { releases: { command: 'releases-mcp' } }, // It has the tool `deploy`.
} as const
try {
  for await (const message of query(agent, { prompt: 'Release what is ready', options })) {
    if (message.type === 'result' && message.subtype === 'success') console.log(message.result)
  }
} catch (error) {
  if (!agent.signal.aborted) throw error
} finally {
  await agent.close()
}
