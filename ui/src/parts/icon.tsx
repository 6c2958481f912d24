/**
 * The console's icons: outlines on a grid of 24, drawn in the colour of the text. Decoration only; what they mean is said
 * in words beside them or in a label.
 */

const PATHS = {
  overview: 'M4 13h6V4H4zM14 20h6V4h-6zM4 20h6v-3H4z',
  queue: 'M4 6h16M4 12h16M4 18h10M18 16v4M16 18h4',
  queues: 'M4 6h16v4H4zM4 14h16v4H4zM8 8h.01M8 16h.01',
  exchange: 'M4 8h13l-3-3M20 16H7l3 3',
  connection: 'M9 7V4M15 7V4M7 7h10v4a5 5 0 0 1-10 0zM12 16v5',
  channel: 'M4 9c4-4 12 4 16 0M4 15c4-4 12 4 16 0',
  topology:
    'M5 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM19 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6 8l5 8M18 8l-5 8M7 6h10',
  route: 'M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM18 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 17h6a4 4 0 0 0 4-4V9',
  dead: 'M12 3a7 7 0 0 0-4 12.700V19h8v-3.300A7 7 0 0 0 12 3zM9.500 11h.01M14.500 11h.01M10 22h4',
  log: 'M5 5h14M5 10h9M5 15h14M5 20h6',
  trace: 'M3 12h4l3-8 4 16 3-8h4',
  users:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500a6.500 6.500 0 0 1 3.500 5.500',
  vhost: 'M4 5h16v5H4zM4 14h16v5H4zM8 7.500h.01M8 16.500h.01M12 7.500h5M12 16.500h5',
  policy: 'M6 3h9l4 4v14H6zM14 3v5h5M9 12h6M9 16h6',
  limit: 'M4 18a8 8 0 1 1 16 0M12 18l4-6M12 18h.01',
  definitions:
    'M8 4c-2 0-3 1-3 3v2c0 1.500-.7 3-2 3 1.300 0 2 1.500 2 3v2c0 2 1 3 3 3M16 4c2 0 3 1 3 3v2c0 1.500.7 3 2 3-1.300 0-2 1.500-2 3v2c0 2-1 3-3 3',
  settings:
    'M4 7h10M18 7h2M4 17h2M10 17h10M16 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM8 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z',
  flag: 'M5 21V4h13l-3 4 3 4H5',
  node: 'M6 6h12v12H6zM10 10h4v4h-4zM9 3v3M15 3v3M9 18v3M15 18v3M3 9h3M3 15h3M18 9h3M18 15h3',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  minus: 'M5 12h14',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  menu: 'M4 6h16M4 12h16M4 18h16',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
  moon: 'M20 14a8 8 0 1 1-10-10 6.500 6.500 0 0 0 10 10z',
  system: 'M3 5h18v11H3zM8 20h8M12 16v4',
  user: 'M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0',
  leave: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  columns: 'M4 5h16v14H4zM10 5v14M15 5v14',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 5l12 7-12 7z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  broom: 'M14 4l6 6M17 7l-6 6M5 20c0-5 3-8 6-8l2 2c0 3-3 6-8 6z',
  send: 'M4 12l16-8-6 16-3-7z',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 20V9M7 13l5-5 5 5M5 4h14',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  warning: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  ok: 'M5 12.500l4.500 4.500L19 7.500',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  refresh: 'M20 11a8 8 0 1 0-2 6M20 5v6h-6',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
} as const

/** Names of icons. */
export type IconName = keyof typeof PATHS

/** An icon. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** The mark: a warren with somebody in it. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--accent-fill)" />
      <path
        d="M10.500 15.500C8.600 11 8.700 6.200 10.600 5.600c1.900-.5 3.600 4 3.900 8.300M21.500 15.500c1.900-4.500 1.800-9.300-.1-9.900-1.900-.5-3.600 4-3.900 8.300"
        fill="none"
        stroke="#fff"
        stroke-width="2.200"
        stroke-linecap="round"
      />
      <path d="M6.500 26a9.500 9.500 0 0 1 19 0z" fill="#fff" />
      <path d="M12 26a4 4 0 0 1 8 0z" fill="var(--accent-fill)" />
    </svg>
  )
}
