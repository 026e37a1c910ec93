import { type Api, createApi } from '#src/client/rest.ts'
import { Credentials } from './credentials.ts'
import { CliError, SIGN_IN } from './failure.ts'

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** What a command works with. */
export type Cli = {
  api: Api
  url: string
  credentials: Credentials
  /** For what is no REST call. Fails where nobody is signed in. */
  readToken(): Promise<string>
  /** Prints a result: as JSON, or as the text that `toText` makes of it. */
  print(result: object, toText: () => string): void
  /** Says something that is no result: nothing in JSON. */
  note(text: string): void
  is_json: boolean
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
      const found = variables.SIGNALBOX_TOKEN || (await source(undefined))
      if (found !== undefined) return found
      throw new CliError('signed_out', `Nobody is signed in to ${url}`, SIGN_IN)
    },
    is_json: json,
    print: (result, toText) => console.log(json ? JSON.stringify(result) : toText()),
    note: (text) => {
      if (!json) console.error(text)
    },
  }
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/+$/, '')
  throw new CliError('usage', `"${text}" is no URL of a server`, 'it begins with http:// or https://')
}
