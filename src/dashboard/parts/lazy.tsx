import type { FunctionComponent } from 'preact'
import { useLoaded } from '../model/loaded.ts'
import { State } from './states.tsx'

const loaders: (() => Promise<unknown>)[] = [() => import('./plot.ts')]

/** Loads the code of all views while there is nothing else to do, so that they are there without a connection, too. */
export async function loadAhead(): Promise<void> {
  // A failure is told by the view, which tries again.
  for (const load of loaders) await load().catch(() => {})
}

/** A view whose code is not part of the first load; `what` names it in sentences. */
export function lazy<Props extends object>(
  what: string,
  load: () => Promise<FunctionComponent<Props>>,
): FunctionComponent<Props> {
  let known: FunctionComponent<Props> | undefined
  const loadOnce = async () => {
    known ??= await load()
    return known
  }
  loaders.push(loadOnce)
  return function Lazy(props: Props) {
    const { value = known, problem } = useLoaded(what, loadOnce)
    const View = value
    if (View) return <View {...props} />
    if (problem === undefined) return <State kind="loading" title={`Loading ${what}`} />
    return (
      <State kind="problem" title={`Couldn't load ${what}`}>
        <p>{problem}</p>
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </State>
    )
  }
}
