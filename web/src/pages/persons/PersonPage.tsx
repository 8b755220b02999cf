// One person: who it is, and what it did.
import { ActionIcon, Button, CopyButton, Skeleton } from '@mantine/core'
import { IconArrowLeft, IconCheck, IconCopy } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { askPerson, askTimeline } from '~/api/persons'
import { Failure } from '~/api/client'
import type { Person, TimelineEvent } from '~/api/types'
import { keep } from '~/filters/search'
import { civilOf } from '~/format/civil'
import * as format from '~/format/format'
import { type Scope, useScope } from '~/scope'
import { Page } from '~/ui/Page'
import { Properties } from '~/ui/Properties'
import { Empty, Trouble } from '~/ui/States'
import classes from './Persons.module.css'
import { lastSeen, shortName } from './personName'

const PersonPage = () => {
  const { id } = useParams({ from: '/app/persons/$id' })
  const scope = useScope()
  const person = useQuery({
    queryKey: ['person', scope.team, id],
    queryFn: ({ signal }) => askPerson(scope.team, id, signal),
    placeholderData: undefined as never,
  })
  const isUnknown = person.error instanceof Failure && person.error.trouble === 'missing'
  return (
    <Page title={person.data ? shortName(person.data) : isUnknown ? 'A person without a profile' : 'Person'}>
      <div className={classes.facts} style={{ marginTop: -12 }}>
        <Link to="/persons" search={keep as never} className={classes.back}>
          <IconArrowLeft size={12} stroke={1.6} style={{ verticalAlign: -1 }} /> Persons
        </Link>
        {person.data && <Facts person={person.data} zone={scope.zone} />}
      </div>
      <div className={classes.columns}>
        <div>
          {person.isPending && Array.from({ length: 8 }, (_, index) => <Skeleton key={index} height={24} mb={10} />)}
          {isUnknown && (
            <Empty title="No profile is kept">Its events carry this id all the same, if there are any.</Empty>
          )}
          {person.error && !isUnknown && (
            <Trouble error={person.error} retry={() => void person.refetch()} what="The person could not be shown" />
          )}
          {person.data && (
            <>
              <Properties title="Properties" properties={person.data.properties} />
              <Ids ids={person.data.distinct_ids} />
            </>
          )}
        </div>
        <Timeline id={id} scope={scope} />
      </div>
    </Page>
  )
}

const Facts = ({ person, zone }: { person: Person; zone: string }) => (
  <>
    <span>{person.is_identified ? 'Identified' : 'Anonymous'}</span>
    <span title={format.time(person.created_at, zone)}>First seen {format.ago(person.created_at)}</span>
    {person.last_seen_at && <span title={format.time(person.last_seen_at, zone)}>Last seen {lastSeen(person)}</span>}
    <code className="cut">{person.id}</code>
  </>
)

const SHOWN = 10

const Ids = ({ ids }: { ids: string[] }) => {
  const [isAll, setAll] = useState(false)
  return (
    <section>
      <h3>
        Distinct ids <span className="unit">{format.number(ids.length)}</span>
      </h3>
      <ul className={classes.ids}>
        {(isAll ? ids : ids.slice(0, SHOWN)).map((id) => (
          <li key={id} className={classes.id}>
            <span className="cut" title={id}>
              {id}
            </span>
            <CopyButton value={id}>
              {({ copied, copy }) => (
                <ActionIcon size="sm" onClick={copy} aria-label={`Copy ${id}`}>
                  {copied ? <IconCheck size={14} stroke={1.6} /> : <IconCopy size={14} stroke={1.6} />}
                </ActionIcon>
              )}
            </CopyButton>
          </li>
        ))}
      </ul>
      {ids.length > SHOWN && !isAll && (
        <Button variant="default" onClick={() => setAll(true)}>
          All {format.number(ids.length)}
        </Button>
      )}
    </section>
  )
}

const Timeline = ({ id, scope }: { id: string; scope: Scope }) => {
  const pages = useInfiniteQuery({
    queryKey: ['timeline', scope.team, id],
    queryFn: ({ pageParam, signal }) => askTimeline(scope.team, id, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: undefined as never,
  })
  const events = pages.data?.pages.flatMap((page) => page.events) ?? []
  const days = byDay(events, scope.zone)
  return (
    <section aria-label="What happened">
      <h2>What happened</h2>
      {pages.isPending && Array.from({ length: 12 }, (_, index) => <Skeleton key={index} height={22} mt={10} />)}
      {pages.error && (
        <Trouble error={pages.error} retry={() => void pages.refetch()} what="Events could not be shown" />
      )}
      {pages.data && events.length === 0 && (
        <Empty title="No events">What this person did is not in the lake, or was erased.</Empty>
      )}
      {days.map(([day, ofDay]) => (
        <div key={day}>
          <h3 className={classes.day}>{format.span(day, 'day')}</h3>
          <ol className={classes.timeline}>
            {ofDay.map((event) => (
              <Happened key={event.uuid} event={event} scope={scope} />
            ))}
          </ol>
        </div>
      ))}
      {pages.hasNextPage && (
        <Button
          mt={12}
          variant="default"
          fullWidth
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          Earlier
        </Button>
      )}
    </section>
  )
}

const byDay = (events: TimelineEvent[], zone: string): [string, TimelineEvent[]][] => {
  const days = new Map<string, TimelineEvent[]>()
  for (const event of events) {
    const day = civilOf(format.instant(event.timestamp) ?? 0, zone).slice(0, 10)
    days.set(day, [...(days.get(day) ?? []), event])
  }
  return [...days]
}

/** What one would ask first of an event. */
const gist = ({ event, current_url, properties }: TimelineEvent): string => {
  const said = properties.$el_text ?? properties.$pathname ?? properties.$screen_name ?? properties.$exception_message
  if (typeof said === 'string' && said !== '') return event === '$autocapture' ? `“${said}”` : said
  return current_url ?? ''
}

const Happened = ({ event, scope }: { event: TimelineEvent; scope: Scope }) => {
  const [isOpen, setOpen] = useState(false)
  return (
    <li className={classes.event}>
      <button
        type="button"
        className={classes.summary}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        data-view={event.event === '$pageview' || undefined}
      >
        <span className="muted" title={format.time(event.timestamp, scope.zone)}>
          {format.clock(event.timestamp, scope.zone)}
        </span>
        <span className="cut">{format.eventName(event.event)}</span>
        <span className="cut muted">{gist(event)}</span>
      </button>
      {isOpen && (
        <div className={classes.detail}>
          <Properties title={`Properties, sent as ${event.distinct_id}`} properties={event.properties} />
        </div>
      )}
    </li>
  )
}

export default PersonPage
