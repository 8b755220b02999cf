// Who did what.
import { Button, Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { askAudit } from '~/api/people'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { fileName, save, toCsv } from '~/ui/csv'
import { Empty, Trouble } from '~/ui/States'
import { Wide } from './Part'
import classes from './Settings.module.css'

export const Audit = () => {
  const scope = useScope()
  const pages = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam, signal }) => askAudit(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: undefined as never,
  })
  const entries = pages.data?.pages.flatMap((page) => page.entries) ?? []
  const download = () =>
    save(
      fileName('audit log'),
      toCsv(
        ['at', 'who', 'action', 'subject', 'address'],
        entries.map(({ at, who, action, subject, address }) => [at, who, action, subject, address]),
      ),
    )
  return (
    <div className={classes.wides}>
      <Wide
        title="Audit log"
        about="Users, sessions, keys, projects, erasures, and what is saved: the newest first."
        end={
          <Button variant="default" disabled={entries.length === 0} onClick={download}>
            Save as CSV
          </Button>
        }
      >
        {pages.error && <Trouble error={pages.error} retry={() => void pages.refetch()} />}
        {pages.isPending && <Skeleton height={300} />}
        {pages.data && entries.length === 0 && <Empty title="Nothing yet" />}
        {entries.length > 0 && (
          <div className={classes.box}>
            <DataTable
              label="Audit log"
              isSortable={false}
              rows={entries}
              columns={[
                { title: 'When', of: ({ at }) => at, show: ({ at }) => format.time(at, scope.zone), width: 190 },
                { title: 'Who', of: ({ who }) => who },
                { title: 'Did', of: ({ action }) => action, show: ({ action }) => <code>{action}</code>, width: 170 },
                { title: 'What', of: ({ subject }) => subject },
                { title: 'From', of: ({ address }) => address, width: 130 },
              ]}
            />
          </div>
        )}
        {pages.hasNextPage && (
          <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            More
          </Button>
        )}
      </Wide>
    </div>
  )
}
