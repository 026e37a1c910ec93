/** What a program needs to run as an agent. */
export type Connecting = {
  url: string
  key: string
  project_id: string
  /** For programs that can't introduce themselves: the agent that exists already. */
  agent_id: string
  name: string
  external_id: string
  /** The slug of a type. */
  agent_type: string
}

export type Snippet = {
  label: string
  needs: string
  /** How to get the package that it needs. */
  install?: string
  /** Whether the agent has to exist before the program starts. */
  isOverHttp: boolean
  write: (own: Connecting) => string
}

const CLIENT = '@signalbox/client'

/** Says how to make the tarballs of `install`. */
export const PACKAGES_GUIDE = 'https://github.com/signalbox-dev/signalbox/blob/main/docs/packages.md'

/** For Python, whose strings may look like those of JSON. */
const quote = (text: string) => JSON.stringify(text)
/** For JavaScript. */
const single = (text: string) =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll(String.raw`\"`, '"').replaceAll("'", String.raw`\'`)}'`
/** For a POSIX shell. */
const shell = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** Programs that are ready to start: each works without a change, and has one line to replace by real work. */
export const snippets = {
  typescript: {
    label: 'TypeScript',
    needs: `Needs Node 22.18 or newer and the package ${CLIENT}. Start it with: node agent.ts`,
    install: 'npm install ./signalbox-client-*.tgz',
    isOverHttp: false,
    write: writeTypeScript,
  },
  python: {
    label: 'Python',
    needs: 'Needs Python 3.8 or newer, and no package. Start it with: python3 agent.py',
    isOverHttp: true,
    write: writePython,
  },
  command: {
    label: 'Any program',
    needs:
      'Needs the package signalbox, on Linux or another Unix. Put your own program in place of what follows the --.',
    install: 'npm install --global ./signalbox-[0-9]*.tgz',
    isOverHttp: false,
    write: writeCommand,
  },
  curl: {
    label: 'curl',
    needs: 'Needs curl. Each command is one call: the first reports, the second waits 25 s for a command.',
    isOverHttp: true,
    write: writeCurl,
  },
} as const satisfies Record<string, Snippet>

export type SnippetKind = keyof typeof snippets
export const snippetKinds = Object.keys(snippets) as SnippetKind[]

const agentPath = ({ url, project_id, agent_id }: Connecting) =>
  `${url}/api/v1/projects/${project_id}/agents/${agent_id}`

function writeTypeScript({ url, key, external_id, name, agent_type }: Connecting): string {
  return `import { runAgent } from ${single(CLIENT)}

const agent = await runAgent({
  url: ${single(url)},
  token: ${single(key)},
  external_id: ${single(external_id)},
  name: ${single(name)},
  agent_type: ${single(agent_type)},
})
try {
  for (let step = 1; ; step++) {
    await agent.checkpoint() // waits while the agent is paused, throws once it is terminated
    await new Promise((done) => setTimeout(done, 1_000)) // your work
    agent.report({ status: 'working', current_task: \`step \${step}\`, usage: { tokens_used: 40 } })
  }
} catch (error) {
  if (!agent.signal.aborted) throw error // anything but the end of the agent
  console.log(agent.signal.reason.message) // such as: Another process has attached the agent
} finally {
  await agent.close()
}
`
}

function writePython(own: Connecting): string {
  return `import json, time, urllib.error, urllib.request, uuid

AGENT = ${quote(agentPath(own))}
KEY = ${quote(own.key)}


def call(method, path, body=None):
    headers = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json",
               "Idempotency-Key": str(uuid.uuid4())}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(AGENT + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"Refused by the server: {error.read().decode()}")
    return json.loads(text) if text else None


def obey(wait):
    """Obeys the waiting commands, and stays here while the agent is paused. False: it is terminated."""
    while True:
        signal = call("GET", f"/signals/next?wait={wait}")
        if signal is None:
            if wait == 0:
                return True
            continue
        wait = {"pause": 25, "resume": 0}.get(signal["kind"], wait)
        call("POST", f"/signals/{signal['id']}/ack", {"outcome": "done"})
        if signal["kind"] == "terminate":
            return False


def report(step):
    usage = {"tokens_used": 40}
    return call("POST", "/reports", {"status": "working", "current_task": f"step {step}", "usage": usage})


step, status = 1, report(1)["status"]
while status != "terminated" and obey(wait=25 if status == "paused" else 0):
    time.sleep(1)  # your work
    step += 1
    status = report(step)["status"]
print("The agent is terminated")
`
}

function writeCommand({ url, key, external_id, name, agent_type }: Connecting): string {
  return `SIGNALBOX_URL=${shell(url)} SIGNALBOX_TOKEN=${shell(key)} \\
  signalbox run --type ${shell(agent_type)} --name ${shell(name)} --external-id ${shell(external_id)} -- sleep 300
`
}

function writeCurl(own: Connecting): string {
  const agent = agentPath(own)
  return `AGENT=${shell(agent)}
KEY=${shell(own.key)}

curl --fail-with-body -sS "$AGENT/reports" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"status":"working","current_task":"the first call"}'

curl --fail-with-body -sS "$AGENT/signals/next?wait=25" -H "Authorization: Bearer $KEY"
`
}
