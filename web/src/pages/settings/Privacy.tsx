// Privacy and storage: what was erased, and where the rest is settled.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { askText } from '~/api/client'
import { askAllProjects, askErasures } from '~/api/people'
import * as format from '~/format/format'
import { parseMetrics, sumOf } from '~/pages/system/metrics'
import { useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { Empty, Trouble } from '~/ui/States'
import { Part, Wide } from './Part'
import classes from './Settings.module.css'

export const Privacy = () => {
  const scope = useScope()
  const erasures = useQuery({ queryKey: ['erasures'], queryFn: ({ signal }) => askErasures(signal) })
  return (
    <div>
      <Part
        title="What is kept of events"
        about={`Of ${scope.project.name}, as the configuration says: HOGFLARE_IP, HOGFLARE_RETENTION and [privacy] of a project. docs/privacy.md has the rules.`}
      >
        <Kept team={scope.project.team} />
      </Part>
      <Part title="On disk" about="As this server counts it.">
        <Stored />
      </Part>
      <div className={classes.wides} style={{ paddingTop: 20 }}>
        <Wide title="Erasures" about="What was asked for, and how far each is. Of whom is not kept.">
          {erasures.error && <Trouble error={erasures.error} retry={() => void erasures.refetch()} />}
          {erasures.isPending && <Skeleton height={120} />}
          {erasures.data?.length === 0 && <Empty title="Nobody was erased" />}
          {erasures.data && erasures.data.length > 0 && (
            <div className={classes.box}>
              <DataTable
                label="Erasures"
                rows={erasures.data}
                columns={[
                  { title: 'Kind', of: ({ kind }) => (kind === 'delete' ? 'Deleted' : 'Made anonymous'), width: 140 },
                  {
                    title: 'State',
                    of: ({ is_done, pending }) =>
                      is_done ? 'done' : pending.map(({ part, waits_for }) => `${part}: ${waits_for}`).join('; '),
                  },
                  { title: 'Project', of: ({ project }) => project, isNumber: true, width: 90 },
                  {
                    title: 'Asked for',
                    of: ({ requested_at }) => requested_at,
                    show: ({ requested_at }) => format.time(requested_at, scope.zone),
                    width: 190,
                  },
                ]}
              />
            </div>
          )}
        </Wide>
      </div>
    </div>
  )
}

const ADDRESSES = {
  keep: 'Kept as they are',
  truncate: 'Cut: the first 24 bits of IPv4, 48 of IPv6',
  drop: 'Not stored',
}

const Kept = ({ team }: { team: number }) => {
  const all = useQuery({ queryKey: ['projects', 'kept'], queryFn: ({ signal }) => askAllProjects(signal) })
  if (all.error) return <Trouble error={all.error} retry={() => void all.refetch()} />
  if (!all.data) return <Skeleton height={110} />
  const privacy = all.data.projects.find(({ id }) => id === team)?.privacy
  const names = (list: string[]) => (list.length > 0 ? list.map((name) => <code key={name}>{name} </code>) : 'None')
  return (
    <dl className={classes.facts}>
      <dt>For how long</dt>
      <dd>{all.data.retention ?? 'For ever'}</dd>
      {privacy && (
        <>
          <dt>Addresses</dt>
          <dd>{ADDRESSES[privacy.ip]}</dd>
          <dt>Properties</dt>
          <dd>{privacy.allow ? <>None but {names(privacy.allow)}</> : 'All that are not removed'}</dd>
          <dt>Removed</dt>
          <dd>{names(privacy.block)}</dd>
          <dt>Hashed</dt>
          <dd>{names(privacy.hash)}</dd>
          <dt>Queries of URLs</dt>
          <dd>{privacy.masks_url_queries ? 'Values are hidden' : 'Kept as they are'}</dd>
        </>
      )}
      <dt>One person</dt>
      <dd>Erased or made anonymous at its page, by whoever may</dd>
    </dl>
  )
}

const STORED: [string, string][] = [
  ['hogflare_lake_rows', 'Rows in the lake'],
  ['hogflare_lake_file_bytes', 'Lake'],
  ['hogflare_lake_files', 'Files'],
  ['hogflare_journal_disk_bytes', 'Journal'],
]

const Stored = () => {
  const metrics = useQuery({
    queryKey: ['metrics'],
    queryFn: async ({ signal }) => parseMetrics(await askText('/metrics', { signal })),
  })
  if (metrics.error) return <Trouble error={metrics.error} retry={() => void metrics.refetch()} />
  if (!metrics.data) return <Skeleton height={80} />
  const sums = new Map(sumOf(metrics.data).map(({ name, value }) => [name, value]))
  return (
    <dl className={classes.facts}>
      {STORED.filter(([name]) => sums.has(name)).map(([name, label]) => (
        <div key={name} className={classes.pair}>
          <dt>{label}</dt>
          <dd>{name.endsWith('_bytes') ? format.bytes(sums.get(name) ?? 0) : format.number(sums.get(name))}</dd>
        </div>
      ))}
    </dl>
  )
}
