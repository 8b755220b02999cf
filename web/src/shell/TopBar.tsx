// The bar above a page: whose events, where to, when, and how fresh.
import { ActionIcon, Menu, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import {
  IconCheck,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconPlayerStop,
  IconRefresh,
  IconSearch,
  IconSelector,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react'
import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { logOut, useAccess } from '~/api/access'
import * as format from '~/format/format'
import type { Ground } from '~/scope'
import { Freshness } from './Freshness'
import { hasRange } from './places'
import { RangeControls } from './RangeControls'
import classes from './TopBar.module.css'

interface Props {
  ground: Ground | undefined
  onMenu: () => void
  onSearch: () => void
}

export const TopBar = ({ ground, onMenu, onSearch }: Props) => {
  const { pathname } = useLocation()
  return (
    <section className={classes.bar} aria-label="Project, search and range">
      <ActionIcon className={classes.menu} onClick={onMenu} aria-label="Open the menu">
        <IconMenu2 size={18} stroke={1.6} />
      </ActionIcon>
      <ProjectMenu ground={ground} />
      <UnstyledButton className={classes.search} onClick={onSearch}>
        <IconSearch size={15} stroke={1.6} />
        <span className={classes.word}>Search</span>
        <kbd className={`key ${classes.hint}`} aria-hidden>
          Ctrl K
        </kbd>
      </UnstyledButton>
      {ground && hasRange(pathname) && (
        <div className={classes.range}>
          <RangeControls ground={ground} />
        </div>
      )}
      <div className={classes.right}>
        {ground && <Freshness zone={ground.zone} />}
        <Refresh />
        <You />
      </div>
    </section>
  )
}

const ProjectMenu = ({ ground }: { ground: Ground | undefined }) => {
  const navigate = useNavigate()
  if (!ground) return <span className={classes.project} />
  const choose = (team: number) =>
    void navigate({ to: '.', search: ((old: object) => ({ ...old, project: team })) as never })
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <UnstyledButton className={classes.project}>
          <span className="cut">{ground.project.name}</span>
          <IconSelector size={14} stroke={1.6} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Projects</Menu.Label>
        {ground.projects.map(({ team, name, token, events }) => (
          <Menu.Item
            key={team}
            onClick={() => choose(team)}
            rightSection={<span className="unit">{format.compact(events)}</span>}
            leftSection={
              <IconCheck size={14} style={{ visibility: team === ground.project.team ? 'visible' : 'hidden' }} />
            }
          >
            <div className="cut">{name}</div>
            <div className="unit cut">{team === 0 ? 'Tokens that no project has' : token}</div>
          </Menu.Item>
        ))}
        {ground.projects.length === 0 && <Menu.Item disabled>No project yet</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  )
}

const EVERY: [string, number][] = [
  ['Off', 0],
  ['Every 10 s', 10_000],
  ['Every minute', 60_000],
  ['Every 5 minutes', 300_000],
]

const LONG_MS = 2_000

/** Whether it has been so for a while. */
const useLong = (isSo: boolean): boolean => {
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    setLong(false)
    if (!isSo) return
    const timer = setTimeout(() => setLong(true), LONG_MS)
    return () => clearTimeout(timer)
  }, [isSo])
  return isLong && isSo
}

const Refresh = () => {
  const client = useQueryClient()
  const isBusy = useIsFetching() > 0
  const [every, setEvery] = useState(0)
  const isLong = useLong(isBusy)
  const refresh = () => void client.invalidateQueries({ refetchType: 'active' })
  useEffect(() => {
    if (every === 0) return
    const timer = setInterval(refresh, every)
    return () => clearInterval(timer)
  }, [every])
  if (isLong)
    return (
      <Tooltip label="Stop all questions of this page">
        <ActionIcon onClick={() => void client.cancelQueries({ type: 'active' })} aria-label="Stop">
          <IconPlayerStop size={17} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    )
  return (
    <Menu trigger="click-hover" openDelay={400} closeDelay={120}>
      <Menu.Target>
        <ActionIcon onClick={refresh} aria-label="Refresh" data-busy={isBusy || undefined} className={classes.refresh}>
          <IconRefresh size={17} stroke={1.6} color={every > 0 ? 'var(--accent)' : undefined} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={refresh}>Refresh now</Menu.Item>
        <Menu.Divider />
        <Menu.Label>By itself</Menu.Label>
        {EVERY.map(([label, milliseconds]) => (
          <Menu.Item
            key={label}
            onClick={() => setEvery(milliseconds)}
            rightSection={every === milliseconds && <IconCheck size={14} />}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

const You = () => {
  const access = useAccess()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  return (
    <>
      <Tooltip label={isDark ? 'Light' : 'Dark'}>
        <ActionIcon
          onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
          aria-label={isDark ? 'Light colours' : 'Dark colours'}
          className={classes.scheme}
        >
          {isDark ? <IconSun size={17} stroke={1.6} /> : <IconMoon size={17} stroke={1.6} />}
        </ActionIcon>
      </Tooltip>
      <Menu width={220}>
        <Menu.Target>
          <ActionIcon aria-label="Your account">
            <IconUserCircle size={18} stroke={1.6} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {access?.by === 'session' ? `${access.user.email} · ${access.user.role}` : 'Reading with the read key'}
          </Menu.Label>
          <Menu.Item leftSection={<IconLogout size={15} stroke={1.6} />} onClick={() => void logOut()}>
            Log out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  )
}
