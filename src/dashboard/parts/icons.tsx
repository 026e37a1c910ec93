const paths = {
  pause: 'M5.5 3.5v9m5-9v9',
  resume: 'M5 3.2v9.6L12.5 8z',
  terminate: 'm4 4 8 8m0-8-8 8',
  again: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zm3.6-1.4L14 14',
  stop: 'M5.5 1.5h5l4 4v5l-4 4h-5l-4-4v-5zM5 8h6',
  hold: 'M4.5 7.2h7v6.3h-7zM5.8 7V5a2.2 2.2 0 0 1 4.4 0v2',
  back: 'M9.5 3 4.5 8l5 5',
  plus: 'M8 3v10M3 8h10',
  menu: 'M2 4h12M2 8h12M2 12h12',
  close: 'm4 4 8 8m0-8-8 8',
  up: 'm4 10 4-4 4 4',
  down: 'm4 6 4 4 4-4',
  parent: 'M4 2.5v6a2 2 0 0 0 2 2h6.5M9.5 7.5l3 3-3 3',
  children: 'M3.5 2v9.5a2 2 0 0 0 2 2h7M3.5 6.5h9',
  inbox: 'M2 9.5h3.5l1 2h3l1-2H14M2 9.5v3.5h12V9.5L12 3H4z',
  asks: 'M5.5 5.5a2.5 2.5 0 1 1 3.7 2.2C8.4 8.2 8 8.7 8 9.7M8 12.8v.1',
  needs: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.1',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5V2.5h-8v8H5',
  more: 'M3.5 8h.1M8 8h.1M12.4 8h.1',
  send: 'M2 8h11M9 4l4 4-4 4',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

/** The logo: railway points with a route. */
export function Brand() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 22h8l9-12h9" class="line" />
      <path d="M19 22h10" class="line unset" />
      <circle cx="15.5" cy="16" r="4" class="lens" />
    </svg>
  )
}
