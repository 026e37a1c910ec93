import { useState } from 'preact/hooks'
import type { AgentToken, Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { formatFullTime, plural } from '../model/format.ts'
import { say } from '../model/notices.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Form } from '../parts/fields.tsx'
import { ShownOnce } from '../parts/secret.tsx'

type Props = { project: Project; agent: AgentSummary }

/** The credentials of this agent alone, for the project's owner. */
export function AgentTokens({ project, agent }: Props) {
  const { permissions } = useAppState()
  const [asked, setAsked] = useState<'issue' | 'revoke'>()
  const mayIssue = permissions.may(project, 'issue_agent_token') && agent.status !== 'terminated'
  const mayRevoke = permissions.may(project, 'revoke_agent_tokens')
  if (!mayRevoke) return null
  const close = () => setAsked(undefined)
  return (
    <section class="panel" aria-label="Access tokens">
      <header class="panel-head">
        <h3>Access tokens</h3>
        <span class="panel-actions">
          {mayIssue && (
            <button type="button" onClick={() => setAsked('issue')}>
              New token
            </button>
          )}
          <button type="button" class="quiet" onClick={() => setAsked('revoke')}>
            Revoke all
          </button>
        </span>
      </header>
      <p class="none faint">
        {agent.status === 'terminated'
          ? 'The agent has ended. Its tokens are valid until they expire or are revoked.'
          : 'A token runs this agent and its children, and nothing else.'}
      </p>
      {asked === 'issue' && <Issue project={project} agent={agent} onClose={close} />}
      {asked === 'revoke' && <Revoke project={project} agent={agent} onClose={close} />}
    </section>
  )
}

const DAY_SECONDS = 86_400
const expiries = [
  [String(DAY_SECONDS), 'In a day'],
  [String(7 * DAY_SECONDS), 'In 7 days'],
  [String(30 * DAY_SECONDS), 'In 30 days'],
] as const

function Issue({ project, agent, onClose }: Props & { onClose: () => void }) {
  const { api } = useAppState()
  const [issued, setIssued] = useState<AgentToken>()
  const issue = async (fields: FormData) => {
    const expires_in = Number(fields.get('expires_in'))
    setIssued(await api.agents.issueToken(project.id, agent.id, { expires_in }))
  }
  return (
    <Dialog title={`New token for ${agent.name}`} onClose={onClose}>
      {issued && (
        <ShownOnce label="Token" text={issued.token} onDone={onClose}>
          <p class="faint">It expires at {formatFullTime(issued.expires_at)}.</p>
        </ShownOnce>
      )}
      {!issued && (
        <Form submit="Create the token" onCancel={onClose} onSubmit={issue}>
          <Choice label="Expires" name="expires_in" choices={expiries} />
        </Form>
      )}
    </Dialog>
  )
}

function Revoke({ project, agent, onClose }: Props & { onClose: () => void }) {
  const { api } = useAppState()
  const revoke = async () => {
    const { affected_count } = await api.agents.revokeTokens(project.id, agent.id)
    say('done', `Revoked ${plural(affected_count, 'token')} of ${agent.name}`)
  }
  return (
    <Confirm
      title={`Revoke all tokens of ${agent.name}`}
      submit="Revoke all"
      onClose={onClose}
      onConfirm={revoke}
    >
      <p>
        Programs with a token of this agent are disconnected within 5 seconds. A runtime with an API key of
        the project stays connected. This can't be undone.
      </p>
    </Confirm>
  )
}
