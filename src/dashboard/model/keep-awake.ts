/** Keeps the screen on until the returned function is called, where the browser can. It lets go whenever the page is hidden. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined
  let isOver = false
  const ask = async () => {
    if (document.hidden || isOver || !('wakeLock' in navigator)) return
    try {
      lock = await navigator.wakeLock.request('screen')
      if (isOver) void lock.release()
    } catch {
      // The battery is low, or the page is not on https.
    }
  }
  const onShown = () => void ask()
  document.addEventListener('visibilitychange', onShown)
  void ask()
  return () => {
    isOver = true
    document.removeEventListener('visibilitychange', onShown)
    void lock?.release()
  }
}
