// Where one can go: the rail and the palette list the same places.
import {
  IconActivity,
  IconBug,
  IconChartLine,
  IconDatabase,
  IconHome,
  IconLayoutDashboard,
  IconPlugConnected,
  IconServer,
  IconSettings,
  IconTable,
  IconUsers,
  IconWorld,
} from '@tabler/icons-react'

export const PLACES = [
  { to: '/', label: 'Home', icon: IconHome, about: 'Now and today', key: 'h' },
  { to: '/web', label: 'Web', icon: IconWorld, about: 'Visitors, pages, sources, devices', key: 'w' },
  {
    to: '/insights',
    label: 'Insights',
    icon: IconChartLine,
    about: 'Trends, funnels, retention, paths, lifecycle, stickiness',
    key: 'i',
  },
  { to: '/dashboards', label: 'Dashboards', icon: IconLayoutDashboard, about: 'Insights side by side', key: 'b' },
  { to: '/live', label: 'Live', icon: IconActivity, about: 'Events as they come', key: 'l' },
  { to: '/persons', label: 'Persons', icon: IconUsers, about: 'Who there is, and groups', key: 'p' },
  { to: '/errors', label: 'Errors', icon: IconBug, about: 'What goes wrong, how often, for whom', key: 'e' },
  { to: '/sql', label: 'SQL', icon: IconTable, about: 'Ask the lake', key: 's' },
] as const

export const OTHER_PLACES = [
  { to: '/data', label: 'Data', icon: IconDatabase, about: 'Events, properties, quarantine', key: 'd' },
  { to: '/connect', label: 'Connect', icon: IconPlugConnected, about: 'Send events from your app', key: 'c' },
  { to: '/system', label: 'System', icon: IconServer, about: 'Health of this server', key: 'y' },
  { to: '/settings', label: 'Settings', icon: IconSettings, about: 'Projects, members, keys, privacy', key: ',' },
] as const

export const EVERY_PLACE = [...PLACES, ...OTHER_PLACES]

/** Pages that ask within a range and filters. */
export const hasRange = (path: string) =>
  path === '/web' || path === '/errors' || (path.startsWith('/insights') && path !== '/insights/saved')
