// The pages and their addresses. Each page is a file of its own, loaded when it is first opened.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { findAccess } from './api/access'
import { parseSearch, parseShared, type SharedSearch, stringifySearch } from './filters/search'
import { NotFound, PageFailure, PageSkeleton } from './shell/Fallbacks'
import { Shell } from './shell/Shell'

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The members that are there. */
const only = <T extends Record<string, unknown>>(members: T) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailure })

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search) => only({ next: text(search.next) }),
  component: lazyRouteComponent(() => import('./pages/login/Login')),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search) => only({ token: text(search.token) }),
  component: lazyRouteComponent(() => import('./pages/login/Setup')),
})

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  validateSearch: (search: Record<string, unknown>): SharedSearch => parseShared(search),
  beforeLoad: async ({ location }) => {
    const access = await findAccess()
    if (access.by === 'nobody') throw redirect({ to: '/login', search: { next: location.href } })
  },
  component: Shell,
  errorComponent: PageFailure,
})

const home = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home/Home')),
})

const web = createRoute({
  getParentRoute: () => app,
  path: '/web',
  validateSearch: (search: Record<string, unknown>) =>
    only({
      metric: text(search.metric),
      pages: text(search.pages),
      sources: text(search.sources),
      places: text(search.places),
      devices: text(search.devices),
      interval: text(search.interval),
    }),
  component: lazyRouteComponent(() => import('./pages/web/Web')),
})

const insights = createRoute({
  getParentRoute: () => app,
  path: '/insights',
  beforeLoad: ({ search }) => {
    throw redirect({ to: '/insights/$kind', params: { kind: 'trends' }, search })
  },
})

const insight = createRoute({
  getParentRoute: () => app,
  path: '/insights/$kind',
  validateSearch: (search: Record<string, unknown>) => only({ q: text(search.q), id: text(search.id) }),
  component: lazyRouteComponent(() => import('./pages/insights/Insights')),
})

const dashboards = createRoute({
  getParentRoute: () => app,
  path: '/dashboards',
  component: lazyRouteComponent(() => import('./pages/dashboards/Dashboards')),
})

const dashboard = createRoute({
  getParentRoute: () => app,
  path: '/dashboards/$id',
  validateSearch: (search: Record<string, unknown>) => only({ over: text(search.over) }),
  component: lazyRouteComponent(() => import('./pages/dashboards/DashboardPage')),
})

const errors = createRoute({
  getParentRoute: () => app,
  path: '/errors',
  validateSearch: (search: Record<string, unknown>) =>
    only({ issue: text(search.issue), search: text(search.search), by: text(search.by) }),
  component: lazyRouteComponent(() => import('./pages/errors/Errors')),
})

const shared = createRoute({
  getParentRoute: () => root,
  path: '/shared/$token',
  component: lazyRouteComponent(() => import('./pages/shared/SharedPage')),
})

const live = createRoute({
  getParentRoute: () => app,
  path: '/live',
  validateSearch: (search: Record<string, unknown>) => only({ event: text(search.event) }),
  component: lazyRouteComponent(() => import('./pages/live/Live')),
})

const persons = createRoute({
  getParentRoute: () => app,
  path: '/persons',
  validateSearch: (search: Record<string, unknown>) => only({ search: text(search.search), show: text(search.show) }),
  component: lazyRouteComponent(() => import('./pages/persons/Persons')),
})

const person = createRoute({
  getParentRoute: () => app,
  path: '/persons/$id',
  validateSearch: (search: Record<string, unknown>) => only({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('./pages/persons/PersonPage')),
})

// `/groups` is where SDKs send to.
const group = createRoute({
  getParentRoute: () => app,
  path: '/group/$type/$key',
  component: lazyRouteComponent(() => import('./pages/persons/GroupPage')),
})

const sql = createRoute({
  getParentRoute: () => app,
  path: '/sql',
  validateSearch: (search: Record<string, unknown>) => only({ q: text(search.q), show: text(search.show) }),
  component: lazyRouteComponent(() => import('./pages/sql/Sql')),
})

const data = createRoute({
  getParentRoute: () => app,
  path: '/data',
  validateSearch: (search: Record<string, unknown>) => only({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('./pages/data/Data')),
})

const connect = createRoute({
  getParentRoute: () => app,
  path: '/connect',
  validateSearch: (search: Record<string, unknown>) => only({ sdk: text(search.sdk) }),
  component: lazyRouteComponent(() => import('./pages/connect/Connect')),
})

const system = createRoute({
  getParentRoute: () => app,
  path: '/system',
  component: lazyRouteComponent(() => import('./pages/system/System')),
})

const settings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  validateSearch: (search: Record<string, unknown>) => only({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('./pages/settings/Settings')),
})

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    setup,
    shared,
    app.addChildren([
      home,
      web,
      insights,
      insight,
      dashboards,
      dashboard,
      errors,
      live,
      persons,
      person,
      group,
      sql,
      data,
      connect,
      system,
      settings,
    ]),
  ]),
  parseSearch,
  stringifySearch,
  defaultPendingComponent: PageSkeleton,
  defaultPendingMs: 50,
  defaultPendingMinMs: 0,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 60_000,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
