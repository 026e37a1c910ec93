import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import previous from './previous-release.json' with { type: 'json' }

/**
 * The release that the next one is rolled out over. `previous-release.json` names its commit, since tags may be missing
 * in a clone; with each release, it is set to the commit of the release that has just been made.
 */
export const { version, commit } = previous

const here = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** False in a clone that does not reach back so far, and where there is no git. */
export function hasPreviousRelease(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: here, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A clone with a part of the history alone, which is nobody's mistake. */
export function isShallowClone(): boolean {
  try {
    const answer = execFileSync('git', ['rev-parse', '--is-shallow-repository'], { cwd: here })
    return answer.toString().trim() === 'true'
  } catch {
    return false
  }
}

/** Its source in a folder of its own, ready to run. */
export async function exportPreviousRelease(): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-previous-'))
  const archive = join(folder, 'archive.tar')
  await run('git', ['archive', `--output=${archive}`, commit], { cwd: here })
  await run('tar', ['-xf', archive, '-C', folder])
  rmSync(archive)
  const [needed, present] = [readPackages(folder), readPackages(here)]
  const isSame = [...needed].every(([path, integrity]) => present.get(path) === integrity)
  if (isSame) symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'))
  else await run('npm', ['ci', '--omit=dev', '--prefer-offline'], { cwd: folder })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

type Lock = { packages: Record<string, { integrity?: string; dev?: boolean }> }

/** What a package needs to run: each place in `node_modules`, and what is there. */
function readPackages(folder: string): Map<string, string | undefined> {
  const file = join(folder, 'package-lock.json')
  if (!existsSync(file)) return new Map()
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as Lock
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  return new Map(installed.map(([path, { integrity }]) => [path, integrity]))
}
