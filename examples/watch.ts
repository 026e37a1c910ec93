/**
 * Prints every change of a project's agents, one line each, across disconnects and restarts of the server.
 *
 *     SIGNALBOX_TOKEN=<a key of an operator or a viewer> PROJECT_ID=<the project's id> node watch.ts
 */
import { watchProject } from 'signalbox/client'

const { SIGNALBOX_URL = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN = '', PROJECT_ID = '' } = process.env

const watch = watchProject({ url: SIGNALBOX_URL, token: SIGNALBOX_TOKEN, project_id: PROJECT_ID })
watch.on('state', ({ kind }) => console.error(kind))
process.once('SIGINT', () => watch.close())

for await (const item of watch) {
  if (item.type === 'reset') console.log(item.seq, 'reset', item.agents.size, 'agents')
  else if (item.agent)
    console.log(item.seq, item.name, item.agent.name, item.agent.status, item.agent.cost_incurred)
  else console.log(item.seq, item.name, item.hold?.reason ?? item.budget?.name)
}
