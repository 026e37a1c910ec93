import { type Api, createApi } from '#src/client/rest/rest.ts'
import { Credentials } from './credentials.ts'
import { CliError, SIGN_IN } from './failure.ts'
import { toJsonLine, toLine } from './text.ts'

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** What a command needs. */
export type Cli = {
  api: Api
  url: string
  credentials: Credentials
  /** A token for other connections than REST calls. Fails without a session. */
  readToken(): Promise<string>
  /** Prints a result: as JSON, or as the text from `toText`. */
  print(result: object, toText: () => string): void
  /** Prints a note on stderr; nothing with --json. */
  note(text: string): void
  isJson: boolean
}

type Variables = Record<string, string | undefined>

export function openCli(
  { url: given, json }: { url: string | undefined; json: boolean },
  variables: Variables,
): Cli {
  const credentials = new Credentials(variables)
  const url = parseUrl(given || credentials.current || DEFAULT_URL)
  const source = credentials.tokenSource(url)
  const token = variables.SIGNALBOX_TOKEN || source
  return {
    api: createApi({ url, token, retries: 2 }),
    url,
    credentials,
    async readToken() {
      const token = variables.SIGNALBOX_TOKEN || (await source(undefined))
      if (token !== undefined) return token
      throw new CliError('signed_out', `You are not signed in to ${url}`, SIGN_IN)
    },
    isJson: json,
    print: (result, toText) => console.log(json ? toJsonLine(result) : toText()),
    note: (text) => {
      if (!json) console.error(toLine(text))
    },
  }
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/+$/, '')
  throw new CliError('usage', `"${text}" is not a server's URL`, 'it must begin with http:// or https://')
}
