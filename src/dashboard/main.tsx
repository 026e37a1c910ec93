import { render } from 'preact'
import { App } from './app.tsx'
import { Session } from './model/session.ts'

const root = document.getElementById('app')
if (root) {
  const session = new Session()
  render(<App session={session} />, root)
  void session.resume()
}
