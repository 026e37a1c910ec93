import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Assistant } from '../support/assistant.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

type Given = { message: string; affected_count: number; skipped_count: number; order: object }

const reading = ['fleet_overview', 'list_agents', 'get_agent', 'list_events', 'list_requests']
const waiting = ['wait_until_obeyed', 'wait_for_event']

const containing = (text: string) => expect.stringContaining(text)
const transports = ['HTTP of 2026-07-28', 'stdio of 2025-11-25'] as const

describe.each(backends.slice(-1))('an assistant', (backend) => {
  let stage: Stage
  const assistants: Assistant[] = []
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(async () => {
    await Promise.all(assistants.map((one) => one.close()))
    await stage.stop()
  })

  const connect = async (transport: (typeof transports)[number]) => {
    const era = transport.endsWith('2025-11-25') ? 'legacy' : 'auto'
    const [origin, { token = '' }] = [stage.origins[0] as string, stage.superuser]
    const env = { SIGNALBOX_URL: origin, SIGNALBOX_TOKEN: token }
    const assistant = transport.startsWith('stdio')
      ? await Assistant.overStdio(env, ['--allow-actions'], era)
      : await Assistant.overHttp(origin, token, era)
    assistants.push(assistant)
    return assistant
  }

  describe.each(transports)('over %s', (transport) => {
    let assistant: Assistant
    let fleet: Fleet
    let ada: Agent
    beforeAll(async () => {
      assistant = await connect(transport)
      fleet = await createFleet(stage.superuser)
      ada = await spawn(fleet)
    })

    const obey = (agent: Agent) => new ObedientRuntime([stage.url], fleet.rest.token ?? '', agent.id).start()
    const statusOf = async ({ id }: Agent) =>
      (await fleet.rest.get<Agent>(`${fleet.agents}/${id}`)).body.status

    it('sees tools, with what they take, answer and do', async () => {
      const { tools } = await assistant.client.listTools()
      const names = tools.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining([...reading, ...waiting, 'terminate_agents']))
      for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
        expect(description, name).toBeTruthy()
        expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false })
        expect(outputSchema, name).toMatchObject({ type: 'object' })
        expect(annotations?.readOnlyHint, name).toBe([...reading, ...waiting].includes(name))
        expect(annotations?.destructiveHint ?? false, name).toBe(name === 'terminate_agents')
      }
    })

    it('pauses a fleet with a reason, and sees that it has obeyed', async () => {
      const { project_id: project } = fleet
      const eve = await spawn(fleet, { name: 'Eve' })
      const runtime = obey(ada)
      await eventually(() => runtime.isAttached)
      const paused = await assistant.get<Given>('pause_agents', { project, all: true, reason: 'fog' })
      expect(paused).toMatchObject({ affected_count: 2, skipped_count: 0 })
      const obeyed = await assistant.get('wait_until_obeyed', { project, order: paused.order })
      expect(obeyed).toEqual({
        all_obeyed: false,
        timed_out: false,
        obeyed: 1,
        waiting: 0,
        failed: 0,
        away: 1,
        superseded: 0,
        not_obeyed: [{ id: eve.id, name: 'Eve', state: 'away' }],
      })
      expect(runtime.applied).toBe('paused')
      const shown = { status: 'paused', control: { kind: 'pause', state: 'done', reason: 'fog' } }
      expect(await assistant.get('get_agent', { project, agent: 'Ada' })).toMatchObject(shown)
      const resume = { project, agents: ['Ada', eve.id], reason: 'clear again' }
      await assistant.get('resume_agents', resume)
      const last = await assistant.get('wait_until_obeyed', { project, agents: ['Ada'] })
      expect(last).toMatchObject({ all_obeyed: true, obeyed: 1 })
      expect(runtime.applied).toBe('running')
      runtime.stop()
    })

    it('terminates only when it says how many agents that are', async () => {
      const { project_id: project } = fleet
      const [one, two] = [await spawn(fleet, { name: 'One' }), await spawn(fleet, { name: 'Two' })]
      const order = { project, agents: ['One', 'Two'], reason: 'over' }
      for (const confirm of [undefined, 1, 3]) {
        const { isError, text } = await assistant.call('terminate_agents', { ...order, confirm })
        expect({ isError, text }).toEqual({ isError: true, text: expect.stringContaining('confirm: 2') })
      }
      expect([await statusOf(one), await statusOf(two)]).toEqual(['idle', 'idle'])
      expect(await assistant.get('terminate_agents', { ...order, confirm: 2 })).toMatchObject({
        affected_count: 2,
      })
      expect([await statusOf(one), await statusOf(two)]).toEqual(['terminated', 'terminated'])
    })

    it('answers a request as the user says', async () => {
      const asker = await stage.attach(ada.id)
      const options = [
        { id: 'yes', label: 'Yes', kind: 'allow_once' },
        { id: 'no', label: 'No', kind: 'reject_once' },
      ]
      const { id, request_id } = await asker.open({ message: 'Deploy?', options })
      const { project_id: project } = fleet
      expect(await assistant.get('list_requests', { project })).toMatchObject({
        requests: [{ id, message: 'Deploy?', agent_name: 'Ada', state: 'open' }],
      })
      const wrong = await assistant.call('answer_request', { request: 'Ada', option: 'perhaps' })
      expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('option:') })
      const answer = { request: request_id, project, option: 'no', note: 'not today' }
      expect(await assistant.get('answer_request', answer)).toMatchObject({
        id,
        state: 'resolved',
        option: 'no',
      })
      expect((await asker.signal()).payload).toMatchObject({ option: 'no', note: 'not today' })
    })

    it('spawns an agent, limits it, and sends it a message', async () => {
      const { project_id: project, agent_type_id: agent_type } = fleet
      const own = { project, agent_type, name: 'Kim', parent: 'Ada', labels: { team: 'search' } }
      const kim = await assistant.get<{ id: string }>('spawn_agent', own)
      expect(kim).toMatchObject({ name: 'Kim', parent_id: ada.id, labels: { team: 'search' } })
      const limits = { token_limit: 1_000, cost_limit: '2.5' }
      expect(await assistant.get('set_limits', { project, agent: 'Kim', ...limits })).toMatchObject({
        token_limit: 1_000,
        cost_limit: '2.5000',
      })
      const sent = await assistant.get('message_agent', { project, agent: 'Kim', text: 'the 07:12 is late' })
      expect(sent).toMatchObject({ agent_id: kim.id, connected: false })
      expect(await assistant.get('get_agent', { project, agent: kim.id })).toMatchObject({
        newest_signals: [{ kind: 'message', payload: '{"text":"the 07:12 is late"}' }],
      })
      const found = await assistant.get('list_agents', { project, selector: 'team=search', limit: 1 })
      expect(found).toMatchObject({ agents: [{ name: 'Kim' }] })
      const children = await assistant.get('list_agents', { project, parent: 'Ada' })
      expect(children).toMatchObject({ agents: [{ name: 'Kim' }], next_cursor: null })
    })

    it('holds agents, and what comes later, until it lets them continue', async () => {
      const { project_id: project } = fleet
      const placed = { project, reason: 'incident', selector: 'team=held', for: 600 }
      const { id } = await assistant.get<{ id: string }>('place_hold', placed)
      expect(await assistant.get('fleet_overview', { project })).toMatchObject({
        projects: [{ holds: [{ id, reason: 'incident', selector: 'team=held', cause: 'order' }] }],
      })
      const late = await spawn(fleet, { name: 'Held', labels: { team: 'held' } })
      expect(await assistant.get('get_agent', { project, agent: 'Held' })).toMatchObject({
        status: 'paused',
        holds: [id],
      })
      const refused = await assistant.call('resume_agents', { project, agents: ['Held'], reason: 'x' })
      expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('incident') })
      const all = await assistant.get('resume_agents', { project, all: true, status: 'paused', reason: 'x' })
      const skipped = [{ id: late.id, name: 'Held', message: containing('incident') }]
      expect(all).toMatchObject({ affected_count: 0, skipped })
      const unknown = await assistant.call('release_hold', { project, hold: 'incident' })
      expect(unknown).toMatchObject({ isError: true, text: containing('There is no hold "incident"') })
      expect(await assistant.get('release_hold', { project, hold: id })).toMatchObject({ affected_count: 1 })
      expect(await statusOf(late)).toBe('idle')
      const { events } = await assistant.get<{ events: object[] }>('list_events', { project })
      expect(events).toContainEqual(
        expect.objectContaining({
          name: 'project.hold_placed',
          agent: null,
          hold: { id, reason: 'incident' },
        }),
      )
    })

    it('waits for an event, and misses none', async () => {
      const { project_id: project } = fleet
      const { last_seq } = await assistant.get<{ last_seq: number }>('list_events', { project, limit: 1 })
      const wait = { project, names: ['agent.spawned'] }
      const next = assistant.get<{ next_after_seq: number }>('wait_for_event', {
        ...wait,
        after_seq: last_seq,
      })
      await spawn(fleet, { name: 'Late' })
      const met = await next
      expect(met).toMatchObject({
        timed_out: false,
        event: { name: 'agent.spawned', agent: { name: 'Late' } },
      })
      const after = { after_seq: met.next_after_seq, timeout_seconds: 0.2 }
      expect(await assistant.get('wait_for_event', { ...wait, ...after })).toMatchObject({
        event: null,
        timed_out: true,
      })
      const wrong = await assistant.call('wait_for_event', { project, names: ['agent.spawned', 'bogus'] })
      expect(wrong).toMatchObject({ isError: true, text: containing('There is no event "bogus"') })
      const events = await assistant.get<{ events: object[] }>('list_events', { project, agent: 'Late' })
      expect(events.events).toMatchObject([{ name: 'agent.spawned', agent: { name: 'Late' } }])
    })

    it('stops waiting when the assistant cancels', async () => {
      const { project_id: project } = await createFleet(stage.superuser)
      const isFollowed = () => stage.app.hub.feeds().some((feed) => feed.project_id === project)
      const cancelling = new AbortController()
      const call = assistant.call('wait_for_event', { project }, cancelling.signal)
      await eventually(isFollowed)
      cancelling.abort()
      await expect(call).rejects.toThrow()
      await eventually(() => !isFollowed())
    })

    it('reads the fleet, an agent and its events as resources', async () => {
      const overview = await assistant.read<{ projects: { id: string }[] }>('signalbox://fleet')
      expect(overview.projects.map(({ id }) => id)).toContain(fleet.project_id)
      const uri = `signalbox://agents/${ada.id}`
      expect(await assistant.read(uri)).toMatchObject({ id: ada.id, name: 'Ada' })
      const { events } = await assistant.read<{ events: { agent: { id: string } }[] }>(`${uri}/events`)
      expect(new Set(events.map(({ agent }) => agent.id))).toEqual(new Set([ada.id]))
      if (transport.startsWith('stdio')) {
        const updated = new Promise((resolve) => {
          assistant.client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
            resolve(params.uri),
          )
        })
        await assistant.client.subscribeResource({ uri })
        await fleet.rest.patch(`${fleet.agents}/${ada.id}`, { current_task: 'the 07:12' })
        expect(await updated).toBe(uri)
      }
      const unknown = 'signalbox://agents/00000000-0000-4000-8000-000000000000'
      await expect(assistant.read(unknown)).rejects.toThrow(/not found/i)
    })

    it('gets prompts that quote what it passes', async () => {
      const own = { name: 'why_is_it_stuck', arguments: { agent: 'A "B"\nC' } }
      const { messages } = await assistant.client.getPrompt(own)
      expect(messages).toMatchObject([{ role: 'user', content: { type: 'text' } }])
      expect(JSON.stringify(messages)).toContain(JSON.stringify(JSON.stringify('A "B"\nC')).slice(1, -1))
      const stop = await assistant.client.getPrompt({ name: 'stop_everything', arguments: {} })
      expect(JSON.stringify(stop)).toContain('wait_until_obeyed')
    })

    it('is told in words what is wrong', async () => {
      const { project_id: project } = fleet
      const call = async (name: string, input: object) => {
        const { isError, text } = await assistant.call(name, { project, ...input })
        return isError ? text : `no error: ${text}`
      }
      expect(await call('get_agent', { agent: 'Nil' })).toBe(
        'There is no agent "Nil" in the project: see list_agents',
      )
      expect(await call('get_agent', { agent: 'Ad' })).toContain('such as "Ada"')
      await spawn(fleet, { name: 'Twin' })
      await spawn(fleet, { name: 'Twin' })
      expect(await call('message_agent', { agent: 'Twin', text: 'x' })).toContain(
        '2 agents are called "Twin"',
      )
      expect(await call('pause_agents', { reason: 'x' })).toContain(
        'exactly one of agents, selector, and all',
      )
      expect(await call('pause_agents', { all: true })).toContain('reason')
      expect(await call('pause_agents', { all: true, reason: 'x', forever: true })).toContain('forever')
      expect(await call('pause_agents', { selector: ' ', reason: 'x' })).toContain('Must not be empty')
      expect(await call('pause_agents', { selector: 'a,,b', reason: 'x' })).toContain('position')
      expect(await call('resume_agents', { agents: ['Ada'], reason: 'x' })).toMatch(
        /^No agent was resumed: "Ada": Cannot transition/,
      )
      expect(await call('spawn_agent', { agent_type: 'nil', name: 'X' })).toContain('agent type "nil"')
      expect(await call('set_limits', { agent: 'Ada' })).toContain('token_limit')
      expect(await call('answer_request', { request: 'nil' })).toContain('list_requests')
      expect(await call('list_events', { project: 'nil' })).toContain('There is no project "nil"')
    })
  })

  it('can only read on stdio, in the project that it is started with, and hears what changes', async () => {
    const fleet = await createFleet(stage.superuser)
    await createFleet(stage.superuser)
    const [followed, other] = [await spawn(fleet), await spawn(fleet, { name: 'Bob' })]
    const env = {
      SIGNALBOX_URL: stage.origins[0] as string,
      SIGNALBOX_TOKEN: stage.superuser.token as string,
    }
    const assistant = await Assistant.overStdio(env, ['--project', fleet.project_id])
    assistants.push(assistant)
    expect(await assistant.toolNames()).not.toContain('pause_agents')
    expect(await assistant.get('fleet_overview')).toMatchObject({ projects: [{ id: fleet.project_id }] })
    expect(await assistant.get('get_agent', { agent: 'Bob' })).toMatchObject({ id: other.id })
    const updated = new Set<string>()
    assistant.client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      updated.add(params.uri)
    })
    const uris = ['signalbox://fleet', `signalbox://agents/${followed.id}`]
    await assistant.client.listen({ resourceSubscriptions: uris })
    await fleet.rest.patch(`${fleet.agents}/${other.id}`, { current_task: 'elsewhere' })
    await eventually(() => updated.size > 0)
    expect([...updated]).toEqual(['signalbox://fleet'])
    await fleet.rest.patch(`${fleet.agents}/${followed.id}`, { current_task: 'on time' })
    await eventually(() => updated.size > 1)
    expect([...updated]).toEqual(uris)
  })
})
