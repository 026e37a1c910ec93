import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { CliError } from './failure.ts'

/** Whether there is a person who can be asked. What is asked goes to stderr, so that stdout stays the result. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

export function ask(question: string): Promise<string> {
  return readAnswer(question, process.stderr)
}

/** Nothing of what is typed is shown. */
export async function askSecretly(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  process.stderr.write(question)
  return readAnswer('', silent).finally(() => process.stderr.write('\n'))
}

function readAnswer(question: string, output: NodeJS.WritableStream): Promise<string> {
  const reader = createInterface({ input: process.stdin, output, terminal: true })
  return new Promise((resolve, reject) => {
    reader.once('close', () => reject(new CliError('interrupted', 'Interrupted')))
    reader.once('SIGINT', () => reader.close())
    reader.question(question, (answer) => {
      resolve(answer)
      reader.close()
    })
  })
}

/** A password: typed without being shown, or the one line of stdin. Never an argument, which others could see. */
export async function readPassword(question: string, from_stdin: boolean): Promise<string> {
  if (from_stdin) return (await readAll(process.stdin)).replace(/\r?\n$/, '')
  if (canAsk()) return askSecretly(question)
  throw new CliError('usage', 'There is no terminal to ask for the password on', 'use --password-stdin')
}

/** Goes on only with a yes; `--yes` is one, and where nobody can be asked it is needed. */
export async function confirm(question: string, is_confirmed: boolean): Promise<void> {
  if (is_confirmed) return
  if (!canAsk()) throw new CliError('usage', 'There is no terminal to ask for a confirmation on', 'use --yes')
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('failed', 'Nothing was done')
}
