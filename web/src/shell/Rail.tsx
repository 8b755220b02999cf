// The rail: where one is, and where one can go.
import { ActionIcon, Tooltip } from '@mantine/core'
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import flare from '~/assets/flare.svg'
import { keep } from '~/filters/search'
import { OTHER_PLACES, PLACES } from './places'
import classes from './Rail.module.css'

type Place = (typeof PLACES)[number] | (typeof OTHER_PLACES)[number]

export const Rail = ({ isNarrow, onToggle }: { isNarrow: boolean; onToggle?: () => void }) => (
  <nav className={classes.rail} data-narrow={isNarrow || undefined} aria-label="Pages">
    <div className={classes.brand}>
      <img src={flare} alt="" width={22} height={22} />
      <span className={classes.label}>Hogflare</span>
    </div>
    <ul className={classes.list}>
      {PLACES.map((place) => (
        <Item key={place.to} place={place} isNarrow={isNarrow} />
      ))}
    </ul>
    <ul className={classes.list}>
      {OTHER_PLACES.map((place) => (
        <Item key={place.to} place={place} isNarrow={isNarrow} />
      ))}
    </ul>
    {onToggle && (
      <ActionIcon
        className={classes.toggle}
        onClick={onToggle}
        aria-label={isNarrow ? 'Widen the rail' : 'Narrow the rail'}
      >
        {isNarrow ? (
          <IconLayoutSidebarLeftExpand size={18} stroke={1.5} />
        ) : (
          <IconLayoutSidebarLeftCollapse size={18} stroke={1.5} />
        )}
      </ActionIcon>
    )}
  </nav>
)

const Item = ({ place, isNarrow }: { place: Place; isNarrow: boolean }) => {
  const Icon = place.icon
  return (
    <li>
      <Tooltip label={place.label} position="right" disabled={!isNarrow}>
        <Link
          to={place.to}
          search={keep as never}
          className={classes.item}
          activeOptions={{ exact: place.to === '/', includeSearch: false }}
          activeProps={{ 'data-active': true }}
          aria-label={isNarrow ? place.label : undefined}
        >
          <Icon size={18} stroke={1.6} aria-hidden />
          <span className={classes.label}>{place.label}</span>
        </Link>
      </Tooltip>
    </li>
  )
}
