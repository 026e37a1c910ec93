/** Who is in the demo, and what they do. The slugs are how a later start finds them again. */

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

export const pauseReasons = [
  'A person wants to look at the last answer',
  'Too many calls to the same tool',
  'Making room for an urgent task',
  'The source it reads is being updated',
] as const

export const endReasons = ['Its work is done', 'Went round in circles', 'Replaced by a fresh one'] as const
