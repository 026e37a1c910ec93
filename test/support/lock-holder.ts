import { lockDataDir } from '#src/store/data-dir.ts'

/** Locks the folder of its argument, says so, and holds it until it is killed. */
try {
  lockDataDir(process.argv[2] ?? '')
  console.log('locked')
  setInterval(() => {}, 60_000)
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
}
