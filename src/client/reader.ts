type Asked<Item> = { resolve: (result: IteratorResult<Item>) => void; reject: (error: unknown) => void }

type ReaderOptions<Item, Reason> = {
  max_unread: number
  /** The reason for a reset that `max_unread` makes necessary. */
  overflow: Reason
  makeReset: (reason: Reason) => Item
  onReturn: () => void
}

/**
 * Items for one `for await`. At most `max_unread` wait; one more, and all are let go for one reset, which is made when
 * it is read, so that it holds what is true by then. Nothing that comes between is needed.
 */
export class Reader<Item, Reason> implements AsyncIterableIterator<Item> {
  readonly #options: ReaderOptions<Item, Reason>
  #unread: Item[] = []
  /** Why the next item is a reset. */
  #reset: Reason | undefined
  readonly #asked: Asked<Item>[] = []
  #end: { error: Error | undefined } | undefined

  constructor(options: ReaderOptions<Item, Reason>) {
    this.#options = options
  }

  push(item: Item): void {
    const asked = this.#asked.shift()
    if (asked) asked.resolve({ value: item, done: false })
    else if (this.#reset !== undefined || this.#end) return
    else if (this.#unread.length >= this.#options.max_unread) this.reset(this.#options.overflow)
    else this.#unread.push(item)
  }

  /** What is unread is of no use any more. */
  reset(reason: Reason): void {
    if (this.#end) return
    this.#unread = []
    const asked = this.#asked.shift()
    if (asked) asked.resolve({ value: this.#options.makeReset(reason), done: false })
    else this.#reset = reason
  }

  /** Nothing more will come. With an error, the reader gets it after what is unread; without, it ends at once. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = { error }
    if (!error) this.#letGo()
    for (const asked of this.#asked.splice(0)) this.next().then(asked.resolve, asked.reject)
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#reset !== undefined) {
      const value = this.#options.makeReset(this.#reset)
      this.#reset = undefined
      return Promise.resolve({ value, done: false })
    }
    const value = this.#unread.shift()
    if (value !== undefined) return Promise.resolve({ value, done: false })
    if (!this.#end) return new Promise((resolve, reject) => this.#asked.push({ resolve, reject }))
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
