// Events that were taken and are not counted, by the reason.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { askSql } from '~/api/sql'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { type ColumnOf, DataTable } from '~/ui/DataTable'
import { Panel, tableOf } from '~/ui/Panel'
import classes from './System.module.css'

interface Reason {
  reason: string
  events: number
  names: string
  last: string
}

const statementOf = (team: number) =>
  `SELECT reason, count(*) AS events, string_agg(DISTINCT event, ', ') AS names, max(created_at) AS last
FROM quarantine
WHERE team_id = ${team}
GROUP BY reason
ORDER BY events DESC
LIMIT 100`

export const Quarantine = () => {
  const { project, zone } = useScope()
  const statement = statementOf(project.team)
  const query = useQuery({
    queryKey: ['quarantine', project.team],
    queryFn: ({ signal }) => askSql<Reason & Record<string, never>>(statement, signal),
  })
  const columns: ColumnOf<Reason>[] = [
    { title: 'Why', of: ({ reason }) => reason },
    { title: 'Events', of: ({ names }) => names },
    { title: 'How many', of: ({ events }) => events, isNumber: true, width: 110 },
    { title: 'Last', of: ({ last }) => last, show: ({ last }) => format.time(last, zone), width: 190 },
  ]
  return (
    <Panel
      title={`Quarantine of ${project.name}`}
      query={query}
      isFlush
      height={120}
      skeleton={<Skeleton height={110} />}
      sql={() => [statement]}
      table={(rows) => tableOf({ rows, columns })}
    >
      {(rows) => (
        <>
          {rows.length > 0 && <DataTable label="Quarantine" rows={rows} columns={columns} />}
          <div className={classes.foot}>
            <p className="muted">
              {rows.length === 0 ? (
                'Events that were taken and fit nowhere are kept here with the reason. There is none.'
              ) : (
                <>
                  Taken, and not among the events. Each is whole in the table <code>quarantine</code>, which SQL can
                  ask.
                </>
              )}
            </p>
          </div>
        </>
      )}
    </Panel>
  )
}
