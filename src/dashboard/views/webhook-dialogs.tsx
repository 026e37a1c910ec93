import { useState } from 'preact/hooks'
import type { Project, Webhook, WebhookSecret } from '#src/client/rest/rest.ts'
import { type EventName, eventNames } from '#src/domain/events.ts'
import { OLD_SECRET_HOURS, type WebhookFormat, webhookFormats } from '#src/domain/webhook.ts'
import { useAppState } from '../app-state-context.ts'
import { say } from '../model/notices.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Field, Form, typed } from '../parts/fields.tsx'
import { ShownOnce } from '../parts/secret.tsx'

type Props = { project: Project; onClose: () => void }

export const formatNames = {
  signalbox: 'Signalbox events',
  slack: 'Slack messages',
  cloudevents: 'CloudEvents',
} as const satisfies Record<WebhookFormat, string>
const formatWords = {
  signalbox: 'up to 100 at a time',
  slack: 'one for each event',
  cloudevents: 'in batches',
} as const satisfies Record<WebhookFormat, string>
const formats = webhookFormats.map((name) => [name, `${formatNames[name]}: ${formatWords[name]}`] as const)

/** Creates a webhook, and shows its secret once; or changes one. */
export function WebhookDialog({ project, webhook, onClose }: Props & { webhook?: Webhook }) {
  const { api } = useAppState()
  const [secret, setSecret] = useState<string>()
  const save = async (fields: FormData) => {
    const body = {
      url: typed(fields, 'url') ?? '',
      format: fields.get('format') as WebhookFormat,
      events: fields.getAll('events') as EventName[],
      selector: typed(fields, 'selector') ?? null,
    }
    if (!webhook) {
      setSecret((await api.webhooks.create(project.id, body)).secret)
      return
    }
    await api.webhooks.update(project.id, webhook.id, body)
    say('done', `Saved the webhook ${body.url}`)
    onClose()
  }
  return (
    <Dialog title={webhook ? 'Edit the webhook' : 'New webhook'} onClose={onClose}>
      {secret && (
        <ShownOnce label="Secret" text={secret} onDone={onClose}>
          <p class="faint">The receiver checks the signature of each request with it.</p>
        </ShownOnce>
      )}
      {!secret && (
        <Form submit={webhook ? 'Save' : 'Create'} onCancel={onClose} onSubmit={save}>
          <Field label="URL" name="url" value={webhook?.url} inputMode="url" isRequired />
          <Choice label="Format" name="format" choices={formats} value={webhook?.format} />
          <Field
            label="Only agents with labels"
            name="selector"
            hint="team=search; empty: all"
            value={webhook?.selector ?? undefined}
          />
          <Events chosen={webhook?.events ?? []} />
        </Form>
      )}
    </Dialog>
  )
}

function Events({ chosen }: { chosen: readonly EventName[] }) {
  return (
    <fieldset class="event-choice">
      <legend>
        Events <span class="faint">(none chosen: all)</span>
      </legend>
      {eventNames.map((name) => (
        <label key={name} class="check">
          <input type="checkbox" name="events" value={name} defaultChecked={chosen.includes(name)} />
          {name}
        </label>
      ))}
    </fieldset>
  )
}

export function RotateSecret({ project, webhook, onClose }: Props & { webhook: Webhook }) {
  const { api } = useAppState()
  const [made, setMade] = useState<WebhookSecret>()
  const rotate = async () => setMade(await api.webhooks.rotateSecret(project.id, webhook.id))
  return (
    <Dialog title="New secret" onClose={onClose}>
      {made && <ShownOnce label="Secret" text={made.secret} onDone={onClose} />}
      {!made && (
        <Form submit="Create a new secret" onCancel={onClose} onSubmit={rotate}>
          <p>
            For {webhook.url}. Both secrets sign for {OLD_SECRET_HOURS} hours.
          </p>
        </Form>
      )}
    </Dialog>
  )
}

export function DeleteWebhook({ project, webhook, onClose }: Props & { webhook: Webhook }) {
  const { api } = useAppState()
  const remove = async () => {
    await api.webhooks.delete(project.id, webhook.id)
    say('done', `Deleted the webhook ${webhook.url}`)
  }
  return (
    <Confirm title="Delete the webhook" submit="Delete" onClose={onClose} onConfirm={remove}>
      <p>{webhook.url} gets no more events. This can't be undone.</p>
    </Confirm>
  )
}
