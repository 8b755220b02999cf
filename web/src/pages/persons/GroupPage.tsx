// One group: what is known of it, and who belongs to it.
import { Skeleton } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { askSql, text } from '~/api/sql'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { Properties } from '~/ui/Properties'
import { Empty, Trouble } from '~/ui/States'
import { propertiesOf, useGroupTypes } from './Persons'
import classes from './Persons.module.css'
import { personName } from './personName'

interface Member {
  id: string
  total: number
  last: string
  properties: string | null
}

const GroupPage = () => {
  const { type, key } = useParams({ from: '/app/group/$type/$key' })
  const scope = useScope()
  const navigate = useNavigate()
  const index = /^[0-4]$/.test(type) ? Number(type) : 0
  const types = useGroupTypes(scope.team)
  const typeName = types.data?.find(({ group_type_index }) => group_type_index === index)?.group_type ?? 'group'
  const group = useQuery({
    queryKey: ['group', scope.team, index, key],
    queryFn: async ({ signal }) =>
      (
        await askSql<{ group_properties: string; created_at: string }>(
          `SELECT group_properties, created_at FROM groups WHERE team_id = ${scope.team} AND group_type_index = ${index} AND group_key = ${text(key)}`,
          signal,
        )
      )[0] ?? null,
    placeholderData: undefined as never,
  })
  const sql = `SELECT found.person_id AS id, found.total AS total, found.last AS last, p.properties AS properties
FROM (
  SELECT person_id, count(*) AS total, max(timestamp) AS last FROM events
  WHERE team_id = ${scope.team} AND group_${index} = ${text(key)}
  GROUP BY person_id
) AS found
LEFT JOIN persons AS p ON p.team_id = ${scope.team} AND p.id = found.person_id
ORDER BY found.last DESC, found.person_id
LIMIT 200`
  const members = useQuery({
    queryKey: ['members', sql],
    queryFn: ({ signal }) => askSql<Member>(sql, signal),
    placeholderData: undefined as never,
  })
  const properties = group.data ? propertiesOf(group.data.group_properties) : {}
  const title = typeof properties.name === 'string' ? properties.name : key
  const nameOf = ({ id, properties: json }: Member) =>
    personName({ id, properties: propertiesOf(json ?? '{}'), distinct_ids: [] })
  return (
    <Page title={title}>
      <div className={classes.facts} style={{ marginTop: -12 }}>
        <Link
          to="/persons"
          search={((old: object) => ({ ...keep(old), show: typeName })) as never}
          className={classes.back}
        >
          <IconArrowLeft size={12} stroke={1.6} style={{ verticalAlign: -1 }} /> {typeName}
        </Link>
        {group.data && <span>Since {format.time(group.data.created_at, scope.zone)}</span>}
      </div>
      <div className={classes.columns}>
        <div>
          {group.isPending && <Skeleton height={160} />}
          {group.error && <Trouble error={group.error} retry={() => void group.refetch()} />}
          {group.data === null && <Empty title="Nothing is known of it">Only events name this group so far.</Empty>}
          {group.data && <Properties title="Properties" properties={properties} />}
        </div>
        <Panel
          title="Its persons"
          query={members}
          isFlush
          height={200}
          sql={() => [sql]}
          isEmpty={(rows) => rows.length === 0}
          empty={{ title: 'Nobody yet', text: 'Whose events name the group belongs to it.' }}
          table={(rows) =>
            tableOf({
              rows,
              columns: [
                { title: 'Person', of: nameOf },
                { title: 'Events', of: ({ total }) => total, isNumber: true },
              ],
            })
          }
        >
          {(rows) => (
            <DataTable
              label="Its persons"
              rows={rows}
              onRow={({ id }) => void navigate({ to: '/persons/$id', params: { id }, search: keep as never })}
              columns={[
                { title: 'Person', of: nameOf },
                { title: 'Events', of: ({ total }) => total, isNumber: true },
                { title: 'Last', of: ({ last }) => last, show: ({ last }) => format.ago(last), width: 120 },
              ]}
            />
          )}
        </Panel>
      </div>
    </Page>
  )
}

export default GroupPage
