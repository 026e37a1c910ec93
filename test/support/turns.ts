/** The most CPU time that one turn of this thread's event loop takes meanwhile, in ms: load elsewhere plays no part. */
export async function measureLongestTurn(work: () => Promise<unknown>): Promise<number> {
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let [longest, before, isDone] = [0, spent(), false]
  const look = () => {
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
    if (!isDone) setImmediate(look)
  }
  setImmediate(look)
  await work()
  isDone = true
  return longest
}
