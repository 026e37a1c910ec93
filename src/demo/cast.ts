import type { Question } from '#src/client/index.ts'

/** Who is in the demo, and what they do. A later start finds them by their slugs and the operator's e-mail. */

/** The user whose commands the demo gives. */
export const operator = { email: 'demo-operator@localhost', full_name: 'Demo operator' } as const

export const projects = [
  { slug: 'demo-north-line', name: 'North Line', description: 'Timetables and tickets', share: 14 },
  { slug: 'demo-harbour-branch', name: 'Harbour Branch', description: 'Freight and customs', share: 13 },
  { slug: 'demo-summit-railway', name: 'Summit Railway', description: 'Track and weather', share: 13 },
] as const

export const agentTypes = [
  { slug: 'demo-planner', name: 'Planner', description: 'Breaks work down and hands it out' },
  { slug: 'demo-researcher', name: 'Researcher', description: 'Reads, compares and sums up' },
  { slug: 'demo-coder', name: 'Coder', description: 'Writes and repairs programs' },
  { slug: 'demo-reviewer', name: 'Reviewer', description: 'Checks what the others made' },
  { slug: 'demo-dispatcher', name: 'Dispatcher', description: 'Answers people and routes their requests' },
] as const

/** In each project, the agent that started some of the others. */
export const lead = { name: 'Signal box', agent_type: 'demo-planner', labels: { role: 'control' } } as const

/** Its runtime is killed now and then, and comes back under its name. */
export const nightMail = {
  ...{ external_id: 'demo-north-line/night-mail', name: 'Night Mail', agent_type: 'demo-dispatcher' },
  labels: { team: 'mail', shift: 'night' },
} as const

export const teams = ['timetable', 'tickets', 'track'] as const
export const shifts = ['day', 'night'] as const

export const engines = [
  'Mallard',
  'Rocket',
  'Adler',
  'Puffing Billy',
  'Flying Scotsman',
  'Evening Star',
  'Big Boy',
  'Blue Peter',
  'Tornado',
  'Locomotion',
  'Lady of the Lake',
  'Crocodile',
] as const

export const tasks = [
  'Draft the winter timetable',
  'Compare the fares of four operators',
  'Repair the import of wagon lists',
  'Review the change to the interlocking rules',
  'Sum up the incident at signal 47',
  'Answer the freight desk',
  'Find the cause of the late 07:12',
  'Write tests for the seat reservation',
  'Plan the closure of platform 3',
  'Translate the notices for passengers',
  'Forecast snow on the summit section',
  'Sort the claims for delayed trains',
] as const

type Model = { model: string; provider: string; price: number }

/** What the agents think with; `price` in dollars for a token of input. */
export const models: readonly [Model, ...Model[]] = [
  { model: 'express-large', provider: 'acme', price: 0.000_006 },
  { model: 'express-small', provider: 'acme', price: 0.000_001 },
  { model: 'local-goods', provider: 'yard', price: 0.000_002 },
]

export const pauseReasons = [
  'A person wants to look at the last answer',
  'Too many calls to the same tool',
  'Making room for an urgent task',
  'The source it reads is being updated',
] as const

/** What a runtime answers when it cannot stop. */
export const failures = [
  'cannot stop in the middle of a booking',
  'the tool that runs has no way to be interrupted',
] as const

export const endReasons = ['Its work is done', 'Went round in circles', 'Replaced by a fresh one'] as const

type Asked = {
  question: Question
  /** What the operator answers after a while; without it, the reader may answer before its time is over. */
  answer?: { status: 'resolved' | 'cancelled'; option?: string; payload?: object; note?: string }
}

export const questions: readonly [Asked, ...Asked[]] = [
  {
    question: {
      message: 'Close platform 3 on Sunday from 06:00 to 09:00?',
      tool_call: { id: 'call-1', name: 'close_platform', arguments: { platform: 3, hours: [6, 9] } },
    },
    answer: { status: 'resolved', note: 'The noticeboard knows' },
  },
  {
    question: { message: 'Send the refunds of the late 07:12 to 214 passengers?', reason: 'confirmation' },
    answer: { status: 'cancelled', note: 'The finance desk looks at them first' },
  },
  {
    question: { message: 'Cancel the 23:40, since snow is forecast for the summit?', reason: 'confirmation' },
  },
  {
    question: {
      message: 'Two timetables keep all connections. Which one?',
      options: [
        { id: 'early', label: 'The earlier one', kind: 'other' },
        { id: 'late', label: 'The later one', kind: 'other' },
      ],
    },
    answer: { status: 'resolved', option: 'early' },
  },
  {
    question: {
      message: 'May I read the archive of the interlocking?',
      reason: 'tool_call',
      options: [
        { id: 'once', label: 'This time', kind: 'allow_once' },
        { id: 'always', label: 'Always', kind: 'allow_always' },
        { id: 'no', label: 'No', kind: 'reject_once' },
      ],
    },
  },
  {
    question: {
      message: 'The order for wagons has gaps. What is missing?',
      response_schema: {
        type: 'object',
        properties: {
          gauge: { type: 'integer', title: 'Gauge in mm', minimum: 381, maximum: 1676, default: 1435 },
          kind: { type: 'string', title: 'Kind', enum: ['flat', 'tank', 'hopper'] },
          insured: { type: 'boolean', title: 'Insured' },
          contact: { type: 'string', title: 'Contact', format: 'email' },
        },
        required: ['gauge', 'kind'],
      },
    },
    answer: { status: 'resolved', payload: { gauge: 1000, kind: 'hopper', insured: true } },
  },
]
