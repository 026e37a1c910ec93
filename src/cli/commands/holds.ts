import type { Command } from 'commander'
import type { Hold } from '#src/client/rest/rest.ts'
import { actions } from '#src/domain/actions.ts'
import { choice, confirmed, define, defineGroup, duration, flag, required, text } from '../command.ts'
import { describeScope, toText } from '../hold-text.ts'
import { selecting } from '../labels.ts'
import { pageOptions, printList } from '../lists.ts'
import { confirm } from '../prompt.ts'
import { resolveHold, resolveProject, resolveType } from '../resolve.ts'
import { describeActor, toLine } from '../text.ts'
import { inProject } from './agents.ts'

const everywhere = {
  everywhere: flag('--everywhere', 'in every project, also those created later (superusers)'),
}

const columns = {
  REASON: ({ reason }: Hold) => reason,
  AGENTS: (hold: Hold) => describeScope(hold),
  PAUSED: ({ affected_count }: Hold) => String(affected_count),
  BY: ({ created_by }: Hold) => describeActor(created_by),
  SINCE: ({ created_at }: Hold) => created_at,
  UNTIL: ({ until, released_at }: Hold) => (released_at === null ? (until ?? '') : `released ${released_at}`),
  ID: ({ id }: Hold) => id,
}

/** Stops that also cover agents which come later. */
export function addHolds(program: Command): void {
  const holds = defineGroup(program, 'holds', 'Stop agents, and keep those stopped that come later')
  define(holds, {
    usage: 'place',
    summary: 'Pause every agent that matches, and start later ones paused, until the hold is released',
    examples: [
      'holds place --reason "wrong prices in the catalogue"',
      'holds place --reason "night run" -l team=search --type crawler --for 8h',
      'holds place --reason "incident 42" --everywhere --mode interrupt',
    ],
    options: {
      reason: required(text('--reason <text>', 'why; shown to operators and sent to the agents')),
      ...selecting,
      type: text('--type <type>', 'only agents of this type, by slug or id'),
      mode: choice('--mode <mode>', 'how soon they obey (default: checkpoint)', actions.pause.modes),
      for: duration('--for <time>', 'release it after this time, such as 2h'),
      until: text('--until <time>', 'release it at this time, such as 2027-01-04T08:00:00Z'),
      ...everywhere,
      ...inProject,
    },
    async run({ api, print }, { options }) {
      const { type, project, everywhere, ...own } = options
      const body = { ...own, agent_type_id: type === undefined ? undefined : await resolveType(api, type) }
      const hold = everywhere
        ? await api.holds.placeGlobal(body)
        : await api.holds.place(await resolveProject(api, project), body)
      print(hold, () => toText(hold))
    },
  })
  addReaders(holds)
  define(holds, {
    usage: 'release <hold>',
    summary: 'Release a hold, by id or reason: what it paused resumes',
    examples: ['holds release "wrong prices in the catalogue"', 'holds release "night run" --over 10m --yes'],
    options: {
      over: duration('--over <time>', 'spread the resumes evenly over this time, at most 1h'),
      ...confirmed,
      ...everywhere,
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options }) {
      const { over: over_seconds, yes, project, everywhere } = options
      const project_id = everywhere ? undefined : await resolveProject(api, project)
      const hold_id = await resolveHold(api, project_id, reference)
      await confirm(`Release the hold ${toLine(reference)}? The agents that it paused resume.`, yes)
      const body = { over_seconds }
      const answer =
        project_id === undefined
          ? await api.holds.releaseGlobal(hold_id, body)
          : await api.holds.release(project_id, hold_id, body)
      print(answer, () => answer.message)
    },
  })
}

function addReaders(holds: Command): void {
  define(holds, {
    usage: 'list',
    summary: 'List the active holds of a project',
    examples: ['holds list', 'holds list --ended --project north-line', 'holds list --everywhere'],
    options: {
      ended: flag('--ended', 'also holds that have been released'),
      ...everywhere,
      ...pageOptions,
      ...inProject,
    },
    async run(cli, { options }) {
      const { ended, everywhere, project } = options
      const active = ended ? undefined : true
      if (everywhere) {
        return printList(cli, { columns, options }, (page) => cli.api.holds.listGlobal({ ...page, active }))
      }
      const project_id = await resolveProject(cli.api, project)
      await printList(cli, { columns, options }, (page) =>
        cli.api.holds.list(project_id, { ...page, active }),
      )
    },
  })
  define(holds, {
    usage: 'show <hold>',
    summary: 'Show a hold of a project, by id or reason',
    examples: ['holds show "night run"'],
    options: inProject,
    async run({ api, print }, { args: [reference], options: { project } }) {
      const project_id = await resolveProject(api, project)
      const hold = await api.holds.get(project_id, await resolveHold(api, project_id, reference))
      print(hold, () => toText(hold))
    },
  })
}
