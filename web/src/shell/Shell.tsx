// The frame of every page: the rail, the bar above, and where keys lead.
import { Drawer } from '@mantine/core'
import { useDisclosure, useHotkeys, useLocalStorage } from '@mantine/hooks'
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { useAccess } from '~/api/access'
import { queryClient } from '~/queries'
import { GroundProvider, useGround } from '~/scope'
import { Trouble } from '~/ui/States'
import { PageSkeleton } from './Fallbacks'
import { Rail } from './Rail'
import classes from './Shell.module.css'
import { useGoKeys } from './goKeys'
import { TopBar } from './TopBar'

const Palette = lazy(() => import('./Palette'))
const Help = lazy(() => import('./Help'))

export const Shell = () => {
  const { ground, error, retry } = useGround()
  const [isNarrow, setNarrow] = useLocalStorage({
    key: 'hogflare.rail',
    defaultValue: false,
    getInitialValueInEffect: false,
  })
  const [isMenuOpen, menu] = useDisclosure(false)
  const [isPaletteOpen, palette] = useDisclosure(false)
  const [isHelpOpen, help] = useDisclosure(false)
  const location = useLocation()
  useLeaving()
  useGoKeys(help.open)
  useHotkeys([
    ['mod+K', palette.open],
    ['/', palette.open],
    ['[', () => setNarrow(!isNarrow)],
  ])
  // A page that was chosen closes the menu that it was chosen from.
  useEffect(menu.close, [location.pathname])
  return (
    <div className={classes.shell} data-narrow={isNarrow || undefined}>
      <a href="#page" className={classes.skip}>
        Skip to the page
      </a>
      <aside className={classes.rail}>
        <Rail isNarrow={isNarrow} onToggle={() => setNarrow(!isNarrow)} />
      </aside>
      <Drawer.Root
        opened={isMenuOpen}
        onClose={menu.close}
        position="left"
        size={260}
        padding={0}
        removeScrollProps={{ removeScrollBar: false }}
      >
        <Drawer.Overlay backgroundOpacity={0.25} />
        <Drawer.Content aria-label="Menu">
          <Drawer.Body>
            <Rail isNarrow={false} />
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      <div className={classes.main}>
        <TopBar ground={ground} onMenu={menu.open} onSearch={palette.open} />
        <main id="page" className={classes.page} tabIndex={-1}>
          {ground ? (
            <GroundProvider value={ground}>
              <Outlet />
            </GroundProvider>
          ) : error ? (
            <Trouble error={error} retry={() => void retry()} what="The server cannot be asked" />
          ) : (
            <PageSkeleton />
          )}
        </main>
      </div>
      {isHelpOpen && (
        <Suspense>
          <Help onClose={help.close} />
        </Suspense>
      )}
      {isPaletteOpen && (
        <Suspense>
          <Palette ground={ground} onClose={palette.close} />
        </Suspense>
      )}
    </div>
  )
}

/** To the login page, once nobody is logged in any more. */
const useLeaving = () => {
  const access = useAccess()
  const navigate = useNavigate()
  const { href } = useLocation()
  useEffect(() => {
    if (access?.by !== 'nobody' || href.startsWith('/login')) return
    // Nothing that was shown stays in memory.
    void navigate({ to: '/login', search: { next: href } }).then(() => queryClient.clear())
  }, [access])
}
