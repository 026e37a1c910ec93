import { expect, test } from 'vitest'
import { issuingEvents } from '#src/domain/events.ts'
import { eventMeanings } from '#src/protocol/messages/event.ts'

test('docs/events.md has every event; `npx vitest run test/documents --update` writes it', async () => {
  const rows = Object.entries(eventMeanings).map(
    ([name, meaning]) =>
      `| \`${name}\` | ${meaning} | ${isIssuing(name) ? 'where a runtime must act' : ''} |`,
  )
  await expect(`${head}${rows.join('\n')}\n`).toMatchFileSnapshot('../../docs/events.md')
})

const isIssuing = (name: string) => [...issuingEvents].some((issuing) => issuing === name)

const head = `# Events

Each change of an agent is committed together with an event in its project's log. [The protocol](protocol.md#event) describes the
object; watchers, event streams, \`GET …/events\` and [webhooks](webhooks.md) carry the same one. Ignore names that you don't know.

| name | when | issues a signal |
| --- | --- | --- |
`
