// These persons: who is behind a point of a chart.
import { Button, Drawer, Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { PersonBehind, PersonsBehind } from '~/api/types'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { shortName } from '~/pages/persons/personName'
import { fileName, save, toCsv } from './csv'
import classes from './PersonsDrawer.module.css'
import { Statement } from './SqlView'
import { Empty, Trouble } from './States'

export interface Behind {
  title: string
  key: readonly unknown[]
  ask: (offset: number, signal: AbortSignal) => Promise<PersonsBehind>
}

export const PersonsDrawer = ({ behind, onClose }: { behind: Behind; onClose: () => void }) => {
  const [isSql, setSql] = useState(false)
  const pages = useInfiniteQuery({
    queryKey: ['persons-behind', ...behind.key],
    queryFn: ({ pageParam, signal }) => behind.ask(pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    placeholderData: undefined as never,
  })
  const persons = pages.data?.pages.flatMap((page) => page.persons) ?? []
  const sql = pages.data?.pages[0]?.sql ?? []
  const download = () =>
    save(
      fileName(behind.title),
      toCsv(
        ['person', 'name', 'events', 'properties'],
        persons.map((one) => [one.id, nameOf(one), one.event_count, JSON.stringify(one.properties)]),
      ),
    )
  return (
    <Drawer opened onClose={onClose} title={behind.title} size="md">
      <div className={classes.actions}>
        <span className="muted">
          {pages.data
            ? `${format.number(persons.length)}${pages.hasNextPage ? '+' : ''} ${persons.length === 1 ? 'person' : 'persons'}`
            : ''}
        </span>
        <Button variant="default" disabled={persons.length === 0} onClick={download}>
          Save as CSV
        </Button>
        <Button variant="default" disabled={sql.length === 0} onClick={() => setSql(!isSql)}>
          {isSql ? 'Hide the SQL' : 'Show the SQL'}
        </Button>
      </div>
      {isSql && sql.map((statement) => <Statement key={statement} sql={statement} />)}
      {pages.error && <Trouble error={pages.error} retry={() => void pages.refetch()} />}
      {pages.isPending && Array.from({ length: 8 }, (_, index) => <Skeleton key={index} height={36} mb={8} />)}
      {pages.data && persons.length === 0 && <Empty title="Nobody is behind this" />}
      <ul className={classes.list}>
        {persons.map((person) => (
          <li key={person.id}>
            <Link to="/persons/$id" params={{ id: person.id }} search={keep as never} className={classes.person}>
              <span className="cut">
                {nameOf(person)}
                <span className={`unit cut ${classes.id}`}>{person.id}</span>
              </span>
              {person.event_count !== undefined && (
                <span className="num">{format.plural(person.event_count, 'event')}</span>
              )}
            </Link>
          </li>
        ))}
      </ul>
      {pages.hasNextPage && (
        <Button
          variant="default"
          fullWidth
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          More
        </Button>
      )}
    </Drawer>
  )
}

const nameOf = ({ id, properties }: PersonBehind) => shortName({ id, properties, distinct_ids: [] })
