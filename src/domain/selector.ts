import { refuse, type SignalboxError } from './errors.ts'
import { type Labels, labelKeyRule, labelValueRule } from './labels.ts'

/**
 * One requirement. `in`: the agent has the key, with one of the values; `not_in`: it lacks the key, or has another value;
 * `present` and `absent` ask for the key alone, and have no values.
 */
export type SelectorTerm = {
  key: string
  is: 'in' | 'not_in' | 'present' | 'absent'
  values: readonly string[]
}
/** All terms must fit. Without any, every agent matches. */
export type Selector = readonly SelectorTerm[]

export const MAX_SELECTOR = 1_000
const MAX_TERMS = 20

/**
 * Reads Kubernetes' syntax of label selectors, as in `team=support,tier in (gold,silver),!legacy`. Refuses with `invalid`,
 * field `selector`; the message names the position, counted from 1.
 */
export function parseSelector(text: string): Selector {
  const characters = [...text.slice(0, 2 * MAX_SELECTOR + 1)].length
  if (text.length > MAX_SELECTOR && characters > MAX_SELECTOR) {
    throw wrong(`Must have at most ${MAX_SELECTOR} characters; there is one more`, MAX_SELECTOR + 1)
  }
  const reader = new Reader(text)
  const terms: SelectorTerm[] = []
  if (reader.isAtEnd) return terms
  do {
    if (terms.length === MAX_TERMS)
      throw reader.refuse(`Must have at most ${MAX_TERMS} terms; there is one more`)
    terms.push(readTerm(reader))
  } while (reader.take(','))
  if (!reader.isAtEnd) throw reader.expected('a comma or the end')
  return terms
}

export function matches(selector: Selector, labels: Labels): boolean {
  return selector.every(({ key, is, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (is === 'present' || is === 'absent') return (value !== undefined) === (is === 'present')
    return (value !== undefined && values.includes(value)) === (is === 'in')
  })
}

function readTerm(reader: Reader): SelectorTerm {
  if (reader.take('!')) return { key: reader.readKey(), is: 'absent', values: [] }
  const key = reader.readKey()
  if (reader.isAtEnd || reader.isAt(',')) return { key, is: 'present', values: [] }
  if (reader.take('==') || reader.take('=')) return { key, is: 'in', values: [reader.readValue()] }
  if (reader.take('!=')) return { key, is: 'not_in', values: [reader.readValue()] }
  if (reader.take('in')) return { key, is: 'in', values: readValues(reader) }
  if (reader.take('notin')) return { key, is: 'not_in', values: readValues(reader) }
  throw reader.expected('=, ==, !=, in, notin, a comma or the end')
}

/** As in Kubernetes, a value may be empty, but not the only one: `(a,)` has two, and `()` none. */
function readValues(reader: Reader): string[] {
  if (!reader.take('(')) throw reader.expected('(')
  if (reader.isAt(')')) throw reader.expected('a value')
  const values = new Set<string>()
  do values.add(reader.readValue())
  while (reader.take(','))
  if (!reader.take(')')) throw reader.expected('a comma or )')
  return [...values]
}

/** What may stand in a key or a value; whether it may stand there is asked once the word is read. */
const tokens = /[-A-Za-z0-9_./]+|==|!=|[=!(),]/y
const space = /[ \t\r\n]*/y
const word = /^[-A-Za-z0-9_./]/

/** Steps through the tokens of a selector. `word` tokens are keys, values, `in` and `notin`. */
class Reader {
  readonly #text: string
  /** Where the current token begins; it is empty at the end, and where there is none. */
  #start = 0
  #token = ''

  constructor(text: string) {
    this.#text = text
    this.#step()
  }

  get isAtEnd(): boolean {
    return this.#start === this.#text.length
  }

  isAt(token: string): boolean {
    return this.#token === token
  }

  take(token: string): boolean {
    if (this.#token !== token) return false
    this.#step()
    return true
  }

  readKey(): string {
    if (!word.test(this.#token)) throw this.expected('a key')
    if (!labelKeyRule.test(this.#token)) {
      throw this.refuse('A key has 1 to 63 of A-Z a-z 0-9 - _ . / and begins and ends with a letter or digit')
    }
    return this.#takeToken()
  }

  /** A value may be empty: then what follows a value comes at once. */
  readValue(): string {
    if (this.isAtEnd || this.isAt(',') || this.isAt(')')) return ''
    if (!word.test(this.#token)) throw this.expected('a value')
    if (!labelValueRule.test(this.#token)) {
      throw this.refuse('A value has 0 to 63 of A-Z a-z 0-9 - _ . and begins and ends with a letter or digit')
    }
    return this.#takeToken()
  }

  expected(what: string): SignalboxError {
    return this.refuse(`Expected ${what}`)
  }

  refuse(message: string): SignalboxError {
    return wrong(message, this.#start + 1)
  }

  #takeToken(): string {
    const taken = this.#token
    this.#step()
    return taken
  }

  #step(): void {
    space.lastIndex = this.#start + this.#token.length
    space.test(this.#text)
    this.#start = space.lastIndex
    tokens.lastIndex = this.#start
    this.#token = tokens.exec(this.#text)?.[0] ?? ''
  }
}

/** All before the first mistake is ASCII, so an index counts characters. */
function wrong(message: string, position: number): SignalboxError {
  return refuse('invalid', `${message}, at position ${position}`, 'selector')
}
