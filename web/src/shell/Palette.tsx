// Ctrl-K: every page, every person, every event, from the keyboard.
import '@mantine/spotlight/styles.layer.css'

import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { createSpotlight, Spotlight } from '@mantine/spotlight'
import { IconBolt, IconMoon, IconSearch, IconSun, IconUser } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useState } from 'react'
import { askPersons } from '~/api/persons'
import { keep } from '~/filters/search'
import { eventName } from '~/format/format'
import { eventsQuery } from '~/names'
import { shortName } from '~/pages/persons/personName'
import type { Ground } from '~/scope'
import { EVERY_PLACE } from './places'

const [store, spotlight] = createSpotlight()

const Palette = ({ ground, onClose }: { ground: Ground | undefined; onClose: () => void }) => {
  const [query, setQuery] = useState('')
  const [asked] = useDebouncedValue(query.trim(), 150)
  const navigate = useNavigate()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const team = ground?.project.team ?? 1
  useEffect(spotlight.open, [])
  const persons = useQuery({
    queryKey: ['persons', team, asked, 'palette'],
    queryFn: ({ signal }) => askPersons(team, asked, null, signal),
    enabled: asked.length > 1,
  })
  const events = useQuery({ ...eventsQuery(team), enabled: asked.length > 1 })
  const has = (label: string) => label.toLowerCase().includes(query.trim().toLowerCase())
  const places = EVERY_PLACE.filter(({ label, about }) => has(`${label} ${about}`))
  const foundEvents = (events.data ?? []).filter(({ event }) => has(`${event} ${eventName(event)}`)).slice(0, 6)
  const foundPersons = asked.length > 1 ? (persons.data?.persons ?? []).slice(0, 6) : []
  const go = (to: string, params?: object, search?: object) =>
    void navigate({ to, params, search: (old: object) => ({ ...keep(old), ...search }) } as never)
  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={onClose}
      shortcut={null}
      transitionProps={{ duration: 100 }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.25 }}
      removeScrollProps={{ removeScrollBar: false }}
      shadow="none"
      attributes={{ content: { 'aria-label': 'Search' } }}
    >
      <Spotlight.Search
        placeholder="Pages, persons, events…"
        leftSection={<IconSearch size={18} stroke={1.5} />}
        aria-label="Search"
        onKeyDown={takeFirst}
      />
      <Spotlight.ActionsList>
        {places.length > 0 && (
          <Spotlight.ActionsGroup label="Pages">
            {places.map(({ to, label, about, icon: Icon, key }) => (
              <Spotlight.Action
                key={to}
                onClick={() => go(to)}
                label={label}
                description={about}
                leftSection={<Icon size={18} stroke={1.5} />}
                rightSection={<kbd className="unit">g {key}</kbd>}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {foundEvents.length > 0 && asked.length > 1 && (
          <Spotlight.ActionsGroup label="Events">
            {foundEvents.map(({ event }) => (
              <Spotlight.Action
                key={event}
                label={eventName(event)}
                description={eventName(event) === event ? undefined : event}
                leftSection={<IconBolt size={18} stroke={1.5} />}
                onClick={() =>
                  go('/insights/$kind', { kind: 'trends' }, { q: JSON.stringify({ series: [{ event }] }) })
                }
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {foundPersons.length > 0 && (
          <Spotlight.ActionsGroup label="Persons">
            {foundPersons.map((person) => (
              <Spotlight.Action
                key={person.id}
                label={shortName(person)}
                description={person.distinct_ids[0] ?? person.id}
                leftSection={<IconUser size={18} stroke={1.5} />}
                onClick={() => go('/persons/$id', { id: person.id })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {has(isDark ? 'Light colours' : 'Dark colours') && (
          <Spotlight.ActionsGroup label="Do">
            <Spotlight.Action
              label={isDark ? 'Light colours' : 'Dark colours'}
              leftSection={isDark ? <IconSun size={18} stroke={1.5} /> : <IconMoon size={18} stroke={1.5} />}
              onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
            />
          </Spotlight.ActionsGroup>
        )}
        {places.length + foundEvents.length + foundPersons.length === 0 && (
          <Spotlight.Empty>Nothing is called so.</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  )
}

/** Enter is for the first of the list, unless another one was chosen. */
const takeFirst = (event: KeyboardEvent<HTMLInputElement>) => {
  if (event.key !== 'Enter' || store.getState().selected >= 0) return
  event.currentTarget.closest('[role=dialog]')?.querySelector<HTMLElement>('[data-action]')?.click()
}

export default Palette
