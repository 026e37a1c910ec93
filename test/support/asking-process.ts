import { runAgent } from '#src/client/index.ts'

/** A program that asks one question under an id of its own, and prints the answer. */
const { URL: url = '', TOKEN: token = '', AGENT: agent_id = '' } = process.env
const agent = await runAgent({ url, token, agent_id })
const answer = await agent.ask({ message: 'Which gauge?', request_id: 'gauge' })
console.log(JSON.stringify(answer))
await agent.close()
