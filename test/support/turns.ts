/**
 * The longest turn of the event loop while the work is done, and all of them together, in milliseconds of the thread's CPU. Their
 * ratio tells whether the work was cut into slices, on a machine of any speed; the times themselves are for `bench/`.
 */
export async function measureLongestTurn(
  work: () => Promise<unknown>,
): Promise<{ longest: number; total: number }> {
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  const began = spent()
  let [longest, before, isDone] = [0, began, false]
  const look = () => {
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
    if (!isDone) setImmediate(look)
  }
  setImmediate(look)
  await work()
  isDone = true
  return { longest, total: spent() - began }
}
