import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { CliError } from './failure.ts'
import { toLine } from './text.ts'

/** Whether a person is at the terminal. Questions go to stderr, so that stdout has only the result. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Rejects with the reason of the signal when that aborts first. */
export function ask(question: string, signal?: AbortSignal): Promise<string> {
  return readAnswer(toLine(question), process.stderr, signal)
}

/** Reads an answer without showing what is typed. */
export async function askSecretly(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  process.stderr.write(toLine(question))
  return readAnswer('', silent).finally(() => process.stderr.write('\n'))
}

async function readAnswer(
  question: string,
  output: NodeJS.WritableStream,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted()
  const reader = createInterface({ input: process.stdin, output, terminal: true })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const abort = () => reject(signal?.reason)
  signal?.addEventListener('abort', abort)
  reader.once('close', () => reject(new CliError('interrupted', 'Interrupted')))
  reader.once('SIGINT', () => reader.close())
  reader.question(question, resolve)
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', abort)
    reader.close()
  }
}

/** A password, from the terminal or stdin. It is never an argument, since other users can see arguments. */
export async function readPassword(question: string, fromStdin: boolean): Promise<string> {
  if (fromStdin) return (await readAll(process.stdin)).replace(/\r?\n$/, '')
  if (canAsk()) return askSecretly(question)
  throw new CliError('usage', 'There is no terminal to ask for the password', 'use --password-stdin')
}

/** Returns only after a yes. Without a terminal to ask on, the command needs `--yes`. */
export async function confirm(question: string, isConfirmed: boolean): Promise<void> {
  if (isConfirmed) return
  if (!canAsk()) throw new CliError('usage', `${question} There is no terminal to ask on`, 'add --yes')
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('failed', 'Nothing was changed')
}
