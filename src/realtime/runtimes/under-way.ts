/** The agents whose attaches are under way in this process: the database may have links of them that are not here yet. */
export class UnderWay {
  readonly #counts = new Map<string, number>()

  has(agent_id: string): boolean {
    return this.#counts.has(agent_id)
  }

  /** Runs an attach, which says `note` which agents it may attach, before it commits that. */
  async during(attach: (note: (agent_id: string) => void) => Promise<void>): Promise<void> {
    const noted: string[] = []
    const note = (agent_id: string) => {
      noted.push(agent_id)
      this.#add(agent_id, 1)
    }
    await attach(note).finally(() => {
      for (const agent_id of noted) this.#add(agent_id, -1)
    })
  }

  #add(agent_id: string, more: number): void {
    const count = (this.#counts.get(agent_id) ?? 0) + more
    if (count > 0) this.#counts.set(agent_id, count)
    else this.#counts.delete(agent_id)
  }
}
