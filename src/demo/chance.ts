/** Randomness for the demo; not for secrets. */

export function between(low: number, high: number): number {
  return Math.floor(low + Math.random() * (high - low + 1))
}

export function pick<Item>(items: readonly [Item, ...Item[]]): Item {
  return items[between(0, items.length - 1)] ?? items[0]
}

/** One of the items, by their weights; undefined where there are none. */
export function pickWeighted<Item extends { weight: number }>(items: readonly Item[]): Item | undefined {
  let rest = Math.random() * items.reduce((sum, { weight }) => sum + weight, 0)
  return items.find(({ weight }) => {
    rest -= weight
    return rest < 0
  })
}
