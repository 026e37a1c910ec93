import type { Agent, Api, Project } from '#src/client/rest/rest.ts'

/** Projects that are searched at once, so that the server is not asked a hundred things at a time. */
const AT_ONCE = 4
/** More projects are left out: who looks for an agent there opens the project. */
export const MAX_SEARCHED = 40
const EACH = 5

/** Asks the server for agents of projects that are not live on the page, and tells what is found as it comes. */
export async function searchOthers(
  api: Api,
  { projects, text }: { projects: readonly Project[]; text: string },
  onFound: (agents: readonly Agent[]) => void,
): Promise<void> {
  const left = projects.slice(0, MAX_SEARCHED)
  const found: Agent[] = []
  const work = async () => {
    for (let project = left.shift(); project; project = left.shift()) {
      const { data } = await api.agents.list(project.id, { q: text, limit: EACH })
      if (data.length === 0) continue
      found.push(...data)
      onFound([...found])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
