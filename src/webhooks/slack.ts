import type { AgentEvent } from '#src/domain/events.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { ProjectBudget } from '#src/domain/project-budget.ts'

/** An event of the log. Those of a project have no agent, and a newer release may know other names. */
export type SentEvent = Omit<AgentEvent, 'agent' | 'name'> & {
  name: string
  agent: AgentEvent['agent'] | null
  hold?: Pick<Hold, 'reason'>
  budget?: Pick<ProjectBudget, 'name'>
}

/** The most that a text of a section may have. */
const MAX_TEXT = 3_000
/** The most of it that one line shows. */
const MAX_LINE = 200

type Text = { type: 'plain_text'; text: string; emoji: false } | { type: 'mrkdwn'; text: string }
export type SlackMessage = { text: string; blocks: { type: 'section'; text: Text }[] }

type Said = {
  project_id: string
  base: string | undefined
  event: SentEvent | undefined
  missed_before: number | undefined
}

/** One Block Kit message. What agents and people wrote is plain text, so it formats and mentions nothing. */
export function writeSlackMessage({ event, missed_before, ...target }: Said): SlackMessage {
  const missed =
    missed_before === undefined ? [] : [`Events before ${missed_before} are no longer kept and were not sent`]
  const line = event ? toLine(event) : undefined
  const request = event?.name === 'agent.request_opened' ? event.request : undefined
  const lines = line === undefined ? missed : [...missed, line]
  return {
    text: escapeText(lines.join('. ')),
    blocks: [
      ...(request ? [...missed, `${event?.agent?.name} asks (${event?.agent?.project_name})`] : lines).map(
        plain,
      ),
      ...(request ? [plain(request.message), ...linkTo(target, request.id)] : []),
    ],
  }
}

const plain = (text: string): SlackMessage['blocks'][number] => ({
  type: 'section',
  text: { type: 'plain_text', text: escapeText(text), emoji: false },
})

function linkTo(
  { base, project_id }: Pick<Said, 'base' | 'project_id'>,
  request_id: string,
): SlackMessage['blocks'] {
  if (base === undefined) return []
  const url = `${base}/#/p/${project_id}/requests/${request_id}`
  return [{ type: 'section', text: { type: 'mrkdwn', text: `<${url}|Answer>` } }]
}

function toLine({ name, agent, from, to, signal, request, hold, budget }: SentEvent): string {
  const who = agent ? `${agent.name} (${agent.project_name}): ` : ''
  const change = from && to ? `, ${from} → ${to}` : ''
  const reason = signal?.reason ? `: ${signal.reason}` : ''
  const asked = request ? `: ${request.message}` : ''
  const [, what = name] = request?.ended_at ? ['', `request ${request.state}`] : name.split('.')
  const about = hold || budget ? `: ${hold?.reason ?? budget?.name}` : ''
  const line = `${who}${what.replaceAll('_', ' ')}${change}${reason}${asked}${about}`
  return shorten(line.replaceAll(/\s+/g, ' '), MAX_LINE)
}

function shorten(text: string, max: number): string {
  const characters = [...text]
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** With the three escapes of Slack, and cut to what it takes, but never in the middle of an escape. */
function escapeText(text: string): string {
  const parts = [...text].map((character) => escapes[character] ?? character)
  const whole = parts.join('')
  if (whole.length <= MAX_TEXT) return whole
  let cut = ''
  for (const part of parts) {
    if (cut.length + part.length > MAX_TEXT - 1) break
    cut += part
  }
  return `${cut}…`
}
