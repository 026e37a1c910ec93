import * as v from 'valibot'

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
}

const record = v.looseObject({ level: v.number(), time: v.number(), msg: v.optional(v.string(), '') })
const failure = v.object({ stack: v.string() })

/** A line of the JSON log for people: `09:30:00 warning  what happened  name=value`, and the stack of an error below it. */
export function toLogText(line: string): string {
  const { level, time, msg, err, ...details } = v.parse(record, JSON.parse(line))
  const at = new Date(time).toTimeString().slice(0, 8)
  const said = Object.entries(details).map(([name, value]) => `${name}=${toText(value)}`)
  const first = [`${at} ${levels[level] ?? level}`, msg, said.join(' ')].filter((part) => part !== '')
  const stack = v.is(failure, err) ? [err.stack.replaceAll(/^/gm, '  ')] : []
  return `${[first.join('  '), ...stack].join('\n')}\n`
}

function toText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
}
