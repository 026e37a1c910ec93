import type { ComponentChildren } from 'preact'
import { Brand } from './icons.tsx'

type Props = { title: string; children?: ComponentChildren; kind?: 'empty' | 'problem' | 'loading' }

/** Shown in place of content, with the reason. */
export function State({ title, children, kind = 'empty' }: Props) {
  return (
    <div
      class={`state state-${kind}`}
      role={kind === 'problem' ? 'alert' : undefined}
      aria-busy={kind === 'loading'}
    >
      <Brand />
      <h2>{title}</h2>
      {children}
    </div>
  )
}
