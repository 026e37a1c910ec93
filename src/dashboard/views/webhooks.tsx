import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { eachItem, type Project, type Webhook } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { formatFullTime, formatSpan, plural } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { sayError, sayProblem } from '../model/problems.ts'
import { Icon } from '../parts/icons.tsx'
import { Ago } from '../parts/marks.tsx'
import { DeleteWebhook, formatNames, RotateSecret, WebhookDialog } from './webhook-dialogs.tsx'

type Asked = { kind: 'new' } | { kind: 'edit' | 'rotate' | 'delete'; webhook: Webhook }

/** Deliveries go on while the page is open. */
const READ_EVERY_MS = 10_000

/** Who is called with the project's events, and whether the calls arrive. */
export function Webhooks({ project }: { project: Project }) {
  const { api } = useAppState()
  const [asked, setAsked] = useState<Asked>()
  const { value, problem, reload } = useLoaded(
    project.id,
    () => Array.fromAsync(eachItem((page) => api.webhooks.list(project.id, page))),
    READ_EVERY_MS,
  )
  const close = () => {
    setAsked(undefined)
    reload()
  }
  const act = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      say('problem', sayError(error))
    }
    reload()
  }
  const setActive = ({ id, url }: Webhook, is_active: boolean) =>
    act(async () => {
      await api.webhooks.update(project.id, id, { is_active })
      if (is_active) say('sent', `Trying ${url} again`)
      else say('done', `Disabled ${url}`)
    })
  const test = ({ id, url }: Webhook) =>
    act(async () => {
      const { delivered, status, error, duration_ms } = await api.webhooks.test(project.id, id)
      if (delivered) say('done', `Test delivered: ${url} answered ${status} in ${duration_ms} ms`)
      else say('problem', `Test not delivered: ${url}: ${error && sayProblem(error)}`)
    })
  return (
    <section class="panel" aria-label="Webhooks">
      <header class="panel-head">
        <h2>Webhooks</h2>
        <span class="panel-actions">
          <button type="button" onClick={() => setAsked({ kind: 'new' })}>
            <Icon name="plus" />
            New webhook
          </button>
        </span>
      </header>
      {problem !== undefined && <p class="none problems">{problem}</p>}
      {value?.length === 0 && <p class="none faint">None. A webhook sends events to a URL of yours.</p>}
      <ul class="webhooks">
        {value?.map((webhook) => (
          <li key={webhook.id}>
            <Facts webhook={webhook} />
            <span class="panel-actions">
              {(!webhook.is_active || webhook.failing_since) && (
                <Verb of={webhook} isMain onClick={() => setActive(webhook, true)}>
                  {webhook.is_active ? 'Try now' : 'Enable'}
                </Verb>
              )}
              <Verb of={webhook} onClick={() => test(webhook)}>
                Test
              </Verb>
              {webhook.is_active && (
                <Verb of={webhook} onClick={() => setActive(webhook, false)}>
                  Disable
                </Verb>
              )}
              {(['edit', 'rotate', 'delete'] as const).map((kind) => (
                <Verb key={kind} of={webhook} onClick={() => setAsked({ kind, webhook })}>
                  {verbs[kind]}
                </Verb>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {asked?.kind === 'new' && <WebhookDialog project={project} onClose={close} />}
      {asked?.kind === 'edit' && <WebhookDialog project={project} webhook={asked.webhook} onClose={close} />}
      {asked?.kind === 'rotate' && <RotateSecret project={project} webhook={asked.webhook} onClose={close} />}
      {asked?.kind === 'delete' && (
        <DeleteWebhook project={project} webhook={asked.webhook} onClose={close} />
      )}
    </section>
  )
}

const verbs = { edit: 'Edit', rotate: 'New secret', delete: 'Delete' } as const

type VerbProps = { of: Webhook; isMain?: boolean; onClick: () => unknown; children: ComponentChildren }

/** A button that waits for what it has begun, such as the answer of a receiver. */
function Verb({ of, isMain = false, onClick, children }: VerbProps) {
  const [isBusy, setBusy] = useState(false)
  const click = async () => {
    setBusy(true)
    await onClick()
    setBusy(false)
  }
  return (
    <button type="button" class={isMain ? '' : 'quiet'} disabled={isBusy} onClick={() => void click()}>
      {children}
      <span class="hidden"> {of.url}</span>
    </button>
  )
}

function Facts({ webhook }: { webhook: Webhook }) {
  const { url, format, events, selector, last_success_at } = webhook
  return (
    <div class="webhook">
      <b>{url}</b>
      <p class="faint">
        {formatNames[format]} · {events === null ? 'all events' : events.join(', ')}
        {selector && ` · agents with ${selector}`}
      </p>
      <p>
        <Health webhook={webhook} />{' '}
        {last_success_at && (
          <span class="faint">
            last delivered <Ago time={last_success_at} /> ago
          </span>
        )}
      </p>
    </div>
  )
}

function Health({ webhook }: { webhook: Webhook }) {
  const { is_active, disabled_at, failing_since, failures, last_error, last_attempt_at } = webhook
  const error = last_error && `: ${sayProblem(last_error)}`
  if (!is_active) {
    return (
      <span class="webhook-bad">
        disabled{disabled_at && ` at ${formatFullTime(disabled_at)}`}
        {error}
      </span>
    )
  }
  if (failing_since) {
    return (
      <span class="webhook-bad">
        failing since {formatFullTime(failing_since)}, {plural(failures, 'attempt')}
        {error} · <NextAttempt at={webhook.next_attempt_at} />
      </span>
    )
  }
  // Enabled, or moved to another URL, since the last error.
  if (last_error) return <span class="webhook-bad">trying… The last error{error}</span>
  return <span class="webhook-good">{last_attempt_at ? 'delivering' : 'active, nothing sent yet'}</span>
}

function NextAttempt({ at }: { at: string }) {
  const left = Date.parse(at) - now.value
  return <>{left > 0 ? `next attempt in ${formatSpan(left)}` : 'trying…'}</>
}
