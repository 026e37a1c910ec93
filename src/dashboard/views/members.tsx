import { useState } from 'preact/hooks'
import { eachItem, type Member, type Project } from '#src/client/rest/rest.ts'
import type { MemberRole } from '#src/domain/access.ts'
import { useAppState } from '../app-state-context.ts'
import { formatFullTime } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { personName } from '../model/people.ts'
import { sayError } from '../model/problems.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'
import { AddMember } from './add-member.tsx'

type Asked = { kind: 'add' } | { kind: 'remove'; member: Member }

/** The users who may watch or control the project, its owner first. */
export function Members({ project }: { project: Project }) {
  const { api, permissions } = useAppState()
  const mayManage = permissions.may(project, 'manage_members')
  const [asked, setAsked] = useState<Asked>()
  const { value, problem, reload } = useLoaded(project.id, async () => {
    const members = await Array.fromAsync(eachItem((page) => api.members.list(project.id, page)))
    permissions.people.learnMembers(members)
    return members
  })
  const close = () => {
    setAsked(undefined)
    reload()
  }
  const setRole = async (member: Member, role: MemberRole) => {
    try {
      await api.members.set(project.id, member.user_id, { role })
      say('done', `${personName(member)} is ${role} now`)
    } catch (error) {
      say('problem', sayError(error))
    }
    reload()
  }
  return (
    <section class="overview" aria-label={`Members of ${project.name}`}>
      <header class="page-head">
        <h2>Members</h2>
        {mayManage && (
          <button type="button" class="main" onClick={() => setAsked({ kind: 'add' })}>
            <Icon name="plus" />
            Add a member
          </button>
        )}
      </header>
      {!value && problem === undefined && <State kind="loading" title="Loading the members" />}
      {problem !== undefined && <State kind="problem" title={problem} />}
      {value && (
        <table class="table table-cards">
          <thead>
            <tr>
              <th>Name</th>
              <th>E-mail</th>
              <th>Role</th>
              <th>Added</th>
              {mayManage && <th class="hidden-head">Actions</th>}
            </tr>
          </thead>
          <tbody>
            <OwnerRow project={project} mayManage={mayManage} />
            {value.map((member) => (
              <MemberRow
                key={member.user_id}
                member={member}
                mayManage={mayManage}
                onRole={(role) => void setRole(member, role)}
                onRemove={() => setAsked({ kind: 'remove', member })}
              />
            ))}
          </tbody>
        </table>
      )}
      {value?.length === 0 && (
        <p class="none">
          No members yet. Only the owner and admins have access. Operators can control agents. Viewers can
          only watch.
        </p>
      )}
      {asked?.kind === 'add' && <AddMember project={project} members={value ?? []} onClose={close} />}
      {asked?.kind === 'remove' && <Remove project={project} member={asked.member} onClose={close} />}
    </section>
  )
}

function OwnerRow({ project, mayManage }: { project: Project; mayManage: boolean }) {
  const { me, permissions } = useAppState()
  const isMe = project.owner_id === me.id
  const owner = isMe ? me : permissions.owner(project)
  const name = owner ? personName(owner) : permissions.nameOf({ kind: 'user', id: project.owner_id })
  return (
    <tr>
      <td>
        <b>{name}</b> {isMe && <span class="faint">you</span>}
      </td>
      <td data-label="E-mail">{owner?.email ?? '–'}</td>
      <td data-label="Role">owner</td>
      <td data-label="Added">{formatFullTime(project.created_at)}</td>
      {mayManage && <td class="table-actions" />}
    </tr>
  )
}

type RowProps = {
  member: Member
  mayManage: boolean
  onRole: (role: MemberRole) => void
  onRemove: () => void
}

function MemberRow({ member, mayManage, onRole, onRemove }: RowProps) {
  const { me } = useAppState()
  return (
    <tr>
      <td>
        <b>{personName(member)}</b> {member.user_id === me.id && <span class="faint">you</span>}
      </td>
      <td data-label="E-mail">{member.email}</td>
      <td data-label="Role">
        {mayManage ? (
          <select
            value={member.role}
            aria-label={`Role of ${member.email}`}
            onChange={({ currentTarget }) => onRole(currentTarget.value as MemberRole)}
          >
            <option value="operator">operator</option>
            <option value="viewer">viewer</option>
          </select>
        ) : (
          member.role
        )}
      </td>
      <td data-label="Added">{formatFullTime(member.created_at)}</td>
      {mayManage && (
        <td class="table-actions">
          <button type="button" class="quiet" onClick={onRemove}>
            Remove<span class="hidden"> {member.email}</span>
          </button>
        </td>
      )}
    </tr>
  )
}

type RemoveProps = { project: Project; member: Member; onClose: () => void }

function Remove({ project, member, onClose }: RemoveProps) {
  const { api } = useAppState()
  const remove = async () => {
    await api.members.remove(project.id, member.user_id)
    say('done', `Removed ${personName(member)}`)
  }
  return (
    <Confirm title={`Remove ${personName(member)}`} submit="Remove" onClose={onClose} onConfirm={remove}>
      <p>
        {member.email} loses access to {project.name} within 5 seconds. You can add the member again.
      </p>
    </Confirm>
  )
}
