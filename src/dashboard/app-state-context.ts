import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { AppState } from '#src/dashboard/model/app-state.ts'

export const AppStateContext = createContext<AppState | undefined>(undefined)

export function useAppState(): AppState {
  const app = useContext(AppStateContext)
  if (!app) throw new Error('useAppState needs a signed-in user')
  return app
}
