// Rows that a sink refused for good, by reason, and a button that sends them again.
import { Button, Skeleton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { askDeadLetters, resendDeadLetters } from '~/api/operators'
import type { DeadLetters as Answer } from '~/api/types'
import * as format from '~/format/format'
import { type ColumnOf, DataTable } from '~/ui/DataTable'
import { FormError } from '~/ui/FormError'
import { Panel, tableOf } from '~/ui/Panel'
import classes from './System.module.css'

type Letters = Answer['letters'][number]

/** While they are sent, the numbers change. */
const SOON_MS = 1_000

export const DeadLetters = () => {
  const client = useQueryClient()
  const query = useQuery({
    queryKey: ['dead-letters'],
    queryFn: ({ signal }) => askDeadLetters(signal),
    refetchInterval: ({ state }) => (state.data?.resending.is_at_work ? SOON_MS : false),
  })
  const sending = useMutation({
    mutationFn: resendDeadLetters,
    onSettled: () => client.invalidateQueries({ queryKey: ['dead-letters'] }),
  })
  const isAtWork = query.data?.resending.is_at_work || sending.isPending
  return (
    <Panel
      title="Dead letters"
      query={query}
      isFlush
      height={120}
      skeleton={<Skeleton height={110} />}
      table={({ letters }) => tableOf({ rows: letters, columns: COLUMNS })}
    >
      {({ letters, resending }) => (
        <>
          {letters.length > 0 && <DataTable label="Dead letters" rows={letters} columns={COLUMNS} />}
          <div className={classes.foot}>
            {letters.length > 0 && (
              <Button size="xs" variant="default" loading={isAtWork} onClick={() => sending.mutate()}>
                Send them again
              </Button>
            )}
            <p className="muted" role="status">
              {said({ letters, resending })}
            </p>
            {sending.error && <FormError error={sending.error} />}
          </div>
        </>
      )}
    </Panel>
  )
}

const COLUMNS: ColumnOf<Letters>[] = [
  { title: 'Sink', of: ({ sink }) => sink, width: 160 },
  { title: 'Why', of: ({ reason }) => reason },
  { title: 'Rows', of: ({ rows }) => rows, isNumber: true, width: 110 },
]

const said = ({ letters, resending }: Answer): string => {
  if (resending.is_at_work) return 'They are being sent.'
  const { taken, refused, troubles } = resending
  if (taken + refused + troubles.length > 0)
    return [`The last time ${format.plural(taken, 'row')} taken, ${refused} refused again.`, ...troubles].join(' ')
  if (letters.length === 0) return 'What a sink refuses for good is kept here. There is nothing.'
  return 'What a sink refused for good. They are kept in the data folder until they are taken.'
}
