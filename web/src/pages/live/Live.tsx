// Events as they come.
import { Button } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import * as format from '~/format/format'
import { sqlScope } from '~/pages/web/useWeb'
import { useScope } from '~/scope'
import { FilterBar } from '~/ui/FilterBar'
import { Page } from '~/ui/Page'
import { Empty, SendSome, Trouble } from '~/ui/States'
import { EventDrawer } from './EventDrawer'
import { EventTable, EventTableSkeleton } from './EventTable'
import { type LiveEvent, useFollowing, useNewest } from './events'
import classes from './Live.module.css'

// So that events of the last hour are those of the last hour, also where nothing comes.
const EVERY_MS = 30_000
const SHOWN = 100

const Live = () => {
  const scope = useScope()
  const [isPaused, setPaused] = useState(false)
  const { event: opened } = useSearch({ from: '/app/live' })
  const navigate = useNavigate({ from: '/live' })
  const open = (event: LiveEvent | undefined) =>
    void navigate({
      search: (old) => ({ ...old, event: event && `${event.uuid}~${event.timestamp}` }),
      resetScroll: false,
    })
  useFollowing(scope.team, !isPaused)
  const newest = useNewest(sqlScope(scope), SHOWN, isPaused ? false : EVERY_MS)
  const last = newest.data?.[0]
  return (
    <Page
      title="Live"
      end={
        <>
          <FilterBar />
          <span className={classes.state}>
            <span className={classes.dot} data-live={(!isPaused && !newest.error) || undefined} />
            <span className="muted" role="status">
              {isPaused
                ? 'Paused'
                : newest.error
                  ? 'Waiting for the server'
                  : last
                    ? `Last event ${format.ago(last.created_at)}`
                    : 'Waiting for events'}
            </span>
            <Button
              variant="default"
              onClick={() => setPaused(!isPaused)}
              leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
            >
              {isPaused ? 'Go on' : 'Pause'}
            </Button>
          </span>
        </>
      }
    >
      {newest.error && (
        <Trouble
          error={newest.error}
          retry={() => void newest.refetch()}
          what={newest.data ? 'No newer events for now' : 'Events could not be shown'}
        />
      )}
      {!newest.data && !newest.error && <EventTableSkeleton />}
      {newest.data?.length === 0 && (
        <div className={classes.frame}>
          <Empty
            title={scope.filters.length > 0 ? 'No such event in the last hour' : 'No event in the last hour'}
            action={<SendSome />}
          >
            They appear here within seconds of being sent.
          </Empty>
        </div>
      )}
      {newest.data && newest.data.length > 0 && (
        <div className={classes.frame}>
          <EventTable events={newest.data} scope={scope} onOpen={open} />
        </div>
      )}
      {opened && <EventDrawer name={opened} onClose={() => open(undefined)} />}
    </Page>
  )
}

export default Live
