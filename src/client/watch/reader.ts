type PendingRead<Item> = { resolve: (result: IteratorResult<Item>) => void; reject: (error: unknown) => void }

type ReaderOptions<Item, Reason> = {
  maxUnread: number
  /** The reason for a reset after more than `maxUnread` items. */
  overflow: Reason
  makeReset: (reason: Reason) => Item
  onReturn: () => void
}

/**
 * Items for one `for await`. At most `maxUnread` items wait. One more replaces them all with one reset, which is made when
 * it is read, so that it has the state of that moment.
 */
export class Reader<Item, Reason> implements AsyncIterableIterator<Item> {
  readonly #options: ReaderOptions<Item, Reason>
  #unread: Item[] = []
  /** Why the next item is a reset. */
  #reset: Reason | undefined
  readonly #pending: PendingRead<Item>[] = []
  #end: { error: Error | undefined } | undefined

  constructor(options: ReaderOptions<Item, Reason>) {
    this.#options = options
  }

  push(item: Item): void {
    const read = this.#pending.shift()
    if (read) read.resolve({ value: item, done: false })
    else if (this.#reset !== undefined || this.#end) return
    else if (this.#unread.length >= this.#options.maxUnread) this.reset(this.#options.overflow)
    else this.#unread.push(item)
  }

  /** Replaces everything unread with one reset. */
  reset(reason: Reason): void {
    if (this.#end) return
    this.#unread = []
    const read = this.#pending.shift()
    if (read) read.resolve({ value: this.#options.makeReset(reason), done: false })
    else this.#reset = reason
  }

  /** No more items. With an error, the reader gets the unread items and then the error; without one, it ends at once. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = { error }
    if (!error) this.#letGo()
    for (const read of this.#pending.splice(0)) this.next().then(read.resolve, read.reject)
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#reset !== undefined) {
      const value = this.#options.makeReset(this.#reset)
      this.#reset = undefined
      return Promise.resolve({ value, done: false })
    }
    const value = this.#unread.shift()
    if (value !== undefined) return Promise.resolve({ value, done: false })
    if (!this.#end) return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }))
    const { error } = this.#end
    this.#end = { error: undefined }
    return error ? Promise.reject(error) : Promise.resolve({ value: undefined, done: true })
  }

  return(): Promise<IteratorResult<Item>> {
    this.end()
    this.#letGo()
    this.#options.onReturn()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #letGo(): void {
    this.#unread = []
    this.#reset = undefined
  }
}
