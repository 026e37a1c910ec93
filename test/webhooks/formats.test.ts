import { describe, expect, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import { writeBody } from '#src/webhooks/bodies.ts'
import type { SentEvent, SlackMessage } from '#src/webhooks/slack.ts'
import { aRequest } from '../domain/a-request.ts'
import { anAgent, context, NOW } from '../domain/an-agent.ts'
import { invalid, readLog } from '../http/suite.ts'
import { Asker } from '../support/asker.ts'
import { type Backend, backends } from '../support/backends.ts'
import { spawn } from '../support/rest.ts'
import { ok, type Received, status, verify } from '../support/webhook-receiver.ts'
import { Deliveries } from './suite.ts'

const PUBLIC = 'https://signalbox.example.org/base'
const { signal_id: _, metadata: __, ...summary } = aRequest()

function anEvent(own: object = {}): SentEvent {
  const agent = { ...anAgent({ project_name: 'North & South' }) } as unknown as SentEvent['agent']
  const { project_id } = anAgent()
  const place = { type: 'event', project_id, seq: 7, epoch: 2, at: NOW } as const
  return { ...place, name: 'agent.spawned', actor: context.actor, agent, ...own }
}
const { project_id } = anEvent()
const write = (format: 'slack' | 'cloudevents', event: SentEvent | undefined, own: object = {}) =>
  writeBody(
    format,
    { project_id, base: PUBLIC },
    { frames: event ? [JSON.stringify(event)] : [], at: NOW, missed_before: undefined, ...own },
  )
const slack = (event: SentEvent | undefined, own: object = {}): SlackMessage =>
  JSON.parse(write('slack', event, own)?.body ?? 'null')
const lineOf = (own: object) => slack(anEvent(own)).blocks.map(({ text }) => text.text)

describe('a message for Slack', () => {
  const asked = (own: Partial<AgentRequest> = {}) =>
    anEvent({ name: 'agent.request_opened', request: { ...summary, ...own } })

  it('of a request says who asks and what, with a link to it', () => {
    expect(slack(asked({ message: 'Deploy <b> & go?' }))).toEqual({
      text: 'Ada (North &amp; South): request opened: Deploy &lt;b&gt; &amp; go?',
      blocks: [
        {
          type: 'section',
          text: { type: 'plain_text', text: 'Ada asks (North &amp; South)', emoji: false },
        },
        {
          type: 'section',
          text: { type: 'plain_text', text: 'Deploy &lt;b&gt; &amp; go?', emoji: false },
        },
        {
          type: 'section',
          text: { type: 'mrkdwn', text: `<${PUBLIC}/#/p/${project_id}/requests/${summary.id}|Answer>` },
        },
      ],
    })
  })

  it('has no more characters than Slack takes, and no half of an escape', () => {
    const shown = (message: string) => slack(asked({ message })).blocks[1]?.text.text ?? ''
    expect(shown('x'.repeat(3_000))).toBe('x'.repeat(3_000))
    expect(shown('x'.repeat(4_000))).toBe(`${'x'.repeat(2_999)}…`)
    expect(shown('<'.repeat(4_000))).toBe(`${'&lt;'.repeat(749)}…`)
    expect(shown('😀'.repeat(4_000))).toBe(`${'😀'.repeat(1_499)}…`)
    expect(shown(`${'x'.repeat(2_997)}&`).endsWith('…')).toBe(true)
  })

  it('of any other event is one line', () => {
    expect(lineOf({})).toEqual(['Ada (North &amp; South): spawned'])
    const change = {
      name: 'agent.status_changed',
      from: 'working',
      to: 'paused',
      signal: { reason: 'a\nlook' },
    }
    expect(lineOf(change)).toEqual(['Ada (North &amp; South): status changed, working → paused: a look'])
    const ended = { name: 'agent.request_ended', request: { ...summary, state: 'resolved', ended_at: NOW } }
    expect(lineOf(ended)).toEqual(['Ada (North &amp; South): request resolved: Which environment?'])
    expect(lineOf({ name: 'project.hold_placed', agent: null })).toEqual(['hold placed'])
    expect(lineOf({ signal: { reason: 'x'.repeat(500) } })[0]).toHaveLength(200 + '&amp;'.length - 1)
  })

  it('says which events were pruned before they could be sent, and links only to a known address', () => {
    const missed = 'Events before 5 are no longer kept and were not sent'
    const texts = ({ blocks }: SlackMessage) => blocks.map(({ text }) => text.text)
    expect(texts(slack(undefined, { missed_before: 5 }))).toEqual([missed])
    expect(texts(slack(anEvent(), { missed_before: 5 }))[0]).toBe(missed)
    const sent = { frames: [JSON.stringify(asked())], at: NOW, missed_before: undefined }
    const unknown = writeBody('slack', { project_id, base: undefined }, sent)
    expect(JSON.parse(unknown?.body ?? '').blocks).toHaveLength(2)
  })
})

describe('a batch of CloudEvents', () => {
  it('has each event to the letter, told by its place in the log', () => {
    const events = [anEvent(), anEvent({ seq: 8, name: 'project.hold_placed', agent: null })]
    const frames = events.map((event) => JSON.stringify(event, null, 1))
    const { body = '', content_type } = write('cloudevents', undefined, { frames }) ?? {}
    expect(content_type).toBe('application/cloudevents-batch+json')
    for (const frame of frames) expect(body).toContain(frame)
    const source = `${PUBLIC}/api/v1/projects/${project_id}`
    expect(JSON.parse(body)).toEqual([
      {
        specversion: '1.0',
        id: '2.7',
        source,
        type: 'dev.signalbox.agent.spawned',
        subject: `agents/${anAgent().id}`,
        time: NOW,
        data: events[0],
      },
      {
        specversion: '1.0',
        id: '2.8',
        source,
        type: 'dev.signalbox.project.hold_placed',
        subject: `projects/${project_id}`,
        time: NOW,
        data: events[1],
      },
    ])
  })

  it('is not sent for events that are no longer kept, and refers to an unknown address relatively', () => {
    expect(write('cloudevents', undefined, { missed_before: 5 })).toBeUndefined()
    const sent = { frames: [JSON.stringify(anEvent())], at: NOW, missed_before: undefined }
    const [event] = JSON.parse(writeBody('cloudevents', { project_id, base: undefined }, sent)?.body ?? '')
    expect(event.source).toBe(`/api/v1/projects/${project_id}`)
  })
})

describe.each(backends)('webhooks of other formats on $name', (backend) => {
  const on = Deliveries.use(backend)

  it('are shown with their format, ours without one, and take no other', async () => {
    const { path, fleet, receiver } = on()
    const ours = await on().create()
    const slack = await on().create({ format: 'slack' })
    expect([ours.format, slack.format, (await on().find(slack)).format]).toEqual([
      'signalbox',
      'slack',
      'slack',
    ])
    expect((await on().patch(slack, { format: 'cloudevents' })).format).toBe('cloudevents')
    expect((await on().patch(slack, { url: `${receiver.url}&x` })).format).toBe('cloudevents')
    for (const format of ['teams', null, 1]) {
      expect(await fleet.rest.post(path, { url: receiver.url, format })).toEqual(invalid('format'))
      expect(await fleet.rest.patch(`${path}/${ours.id}`, { format })).toEqual(invalid('format'))
    }
  })

  it('get one message of Slack for each event, signed, with a link to where the webhook was made', async () => {
    const { app, fleet } = on()
    const hook = await on().create({ format: 'slack' })
    const agent = await spawn(fleet)
    const { port } = await app.listen()
    const asker = await Asker.at(`ws://127.0.0.1:${port}/api/v1/ws`, fleet.rest.token, agent.id)
    const { id } = await asker.open({ message: 'Go?' })
    await on().reach(hook, ({ cursor }) => cursor === 3)
    const sent = on().receiver.all as unknown as (Received & { payload: SlackMessage })[]
    expect(sent.map(({ payload }) => payload.blocks.length)).toEqual([1, 1, 3])
    expect(sent.map((one) => one.headers['content-type'])).toEqual(sent.map(() => 'application/json'))
    expect(sent.map((one) => one.id)).toEqual([1, 2, 3].map((seq) => `${hook.id}_1_${seq}_${seq}`))
    for (const one of sent) verify(hook.secret, one)
    const link = `<http://localhost/#/p/${fleet.project_id}/requests/${id}|Answer>`
    expect(sent[2]?.payload.blocks[2]?.text.text).toBe(link)
    await asker.close()
  })

  it('get CloudEvents in batches, and a new id where the format changes after a failure', async () => {
    const { receiver, fleet } = on()
    receiver.answer = status(500)
    const hook = await on().create({ format: 'cloudevents' })
    await spawn(fleet)
    await spawn(fleet)
    await on().reach(hook, ({ failures }) => failures > 0)
    const [first] = receiver.all as [Received]
    expect(first.headers['content-type']).toBe('application/cloudevents-batch+json')
    expect(verify(hook.secret, first)).toEqual(first.payload)
    // Nothing is under way in the old format.
    await on().pause(hook)
    receiver.answer = ok
    await on().patch(hook, { format: 'signalbox', is_active: true })
    await on().reach(hook, ({ cursor }) => cursor === 2)
    const last = receiver.all.at(-1) as Received
    expect([first.id.endsWith('_r1'), last.id.endsWith('_r1')]).toEqual([false, true])
    expect(last.payload.data.events.map(({ seq }) => seq).at(-1)).toBe(2)
    const events = await readLog(fleet.rest, fleet.project_id)
    const [cloud] = first.payload as unknown as { data: unknown; source: string }[]
    expect(cloud).toMatchObject({
      data: events[0],
      source: `http://localhost/api/v1/projects/${fleet.project_id}`,
    })
  })
})

describe('PUBLIC_URL', () => {
  const [backend] = backends as [Backend]
  const on = Deliveries.use(backend, { publicUrl: PUBLIC })

  it('is where webhooks link to, wherever they were made', async () => {
    const hook = await on().create({ format: 'cloudevents' })
    await spawn(on().fleet)
    await on().reach(hook, ({ cursor }) => cursor === 1)
    expect(on().receiver.all[0]?.payload).toMatchObject([
      { source: `${PUBLIC}/api/v1/projects/${on().fleet.project_id}` },
    ])
  })
})
