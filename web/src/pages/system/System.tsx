// How this server is: what it takes, what it has delivered, what it refused.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMay } from '~/api/access'
import { askReadiness, askText } from '~/api/client'
import * as format from '~/format/format'
import { type ColumnOf, DataTable } from '~/ui/DataTable'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { DeadLetters } from './DeadLetters'
import { parseMetrics, sumOf } from './metrics'
import { type Sink, sinksOf } from './sinks'
import classes from './System.module.css'

const EVERY_MS = 10_000

const MEANING: Record<string, string> = {
  working: 'Working',
  retrying: 'Trying again: the other side does not answer',
  paused: 'Paused until an operator puts something right; hogflare doctor says what',
  parked: 'Parked: it is past its share of the disk and catches up from the lake',
}

const System = () => {
  const readiness = useQuery({
    queryKey: ['readiness'],
    queryFn: ({ signal }) => askReadiness(signal),
    refetchInterval: EVERY_MS,
  })
  const metrics = useQuery({
    queryKey: ['metrics'],
    queryFn: async ({ signal }) => parseMetrics(await askText('/metrics', { signal })),
    refetchInterval: EVERY_MS,
  })
  const canResend = useMay('projects')
  return (
    <Page title="System">
      <Panel title="Health" query={readiness} height={60} skeleton={<Skeleton height={40} />}>
        {({ status, sinks }) => (
          <div className={classes.health}>
            <State
              name="Server"
              state={status === 'ok' ? 'working' : status}
              said={status === 'ok' ? 'Takes events' : status}
            />
            {Object.entries(sinks).map(([name, state]) => (
              <State key={name} name={`Sink ${name}`} state={state} said={MEANING[state] ?? state} />
            ))}
          </div>
        )}
      </Panel>
      <Panel title="At a glance" query={metrics} height={72} skeleton={<Skeleton height={64} />}>
        {(samples) => {
          const sums = new Map(sumOf(samples).map((sample) => [sample.name, sample.value]))
          return (
            <dl className={classes.figures}>
              {FIGURES.map(([name, label]) => (
                <div key={name}>
                  <dt className="muted">{label}</dt>
                  <dd>{sums.has(name) ? said(name, sums.get(name) ?? 0) : format.NOTHING}</dd>
                </div>
              ))}
            </dl>
          )
        }}
      </Panel>
      <Panel
        title="Sinks"
        query={metrics}
        isFlush
        height={120}
        skeleton={<Skeleton height={110} />}
        table={(samples) => tableOf({ rows: sinksOf(samples, readiness.data?.sinks ?? {}), columns: SINKS })}
      >
        {(samples) => <DataTable label="Sinks" rows={sinksOf(samples, readiness.data?.sinks ?? {})} columns={SINKS} />}
      </Panel>
      {canResend && <DeadLetters />}
      <Panel
        title="Every number"
        query={metrics}
        isFlush
        height={420}
        skeleton={<Skeleton height={400} />}
        table={(samples) =>
          tableOf({
            rows: samples,
            columns: [
              { title: 'Metric', of: ({ name }) => name },
              { title: 'Labels', of: ({ labels }) => labels },
              { title: 'Value', of: ({ value }) => value, isNumber: true },
            ],
          })
        }
      >
        {(samples) => (
          <DataTable
            label="Numbers"
            rows={sumOf(samples)}
            columns={[
              { title: 'Metric', of: ({ name }) => name, show: ({ name, help }) => <span title={help}>{name}</span> },
              {
                title: 'Value',
                of: ({ value }) => value,
                show: ({ name, value }) => said(name, value),
                isNumber: true,
                width: 160,
              },
            ]}
          />
        )}
      </Panel>
    </Page>
  )
}

const SINKS: ColumnOf<Sink>[] = [
  { title: 'Sink', of: ({ name }) => name },
  { title: 'State', of: ({ state }) => state ?? null },
  { title: 'Rows', of: ({ rows }) => rows, isNumber: true, width: 110 },
  { title: 'Rows behind', of: ({ lagRows }) => lagRows, isNumber: true, width: 120 },
  {
    title: 'Behind',
    of: ({ lagSeconds }) => lagSeconds,
    show: ({ lagSeconds }) => format.duration(lagSeconds),
    isNumber: true,
    width: 90,
  },
  { title: 'Failures', of: ({ failures }) => failures, isNumber: true, width: 90 },
  { title: 'Dead letters', of: ({ deadLetters }) => deadLetters, isNumber: true, width: 120 },
]

const FIGURES: [string, string][] = [
  ['hogflare_events_accepted_total', 'Events since the start'],
  ['hogflare_events_duplicate_total', 'Sent again'],
  ['hogflare_lake_rows', 'Rows in the lake'],
  ['hogflare_sink_lag_seconds', 'Behind'],
  ['hogflare_journal_disk_bytes', 'Journal on disk'],
  ['hogflare_lake_misfit_properties_total', 'Values that fit no column'],
]

/** A number in the unit that its name tells. */
const said = (name: string, value: number): string => {
  if (/_bytes(_total)?$/.test(name)) return format.bytes(value)
  return /_seconds(_total)?$/.test(name) ? format.duration(value) : format.number(value)
}

const State = ({ name, state, said }: { name: string; state: string; said: string }) => (
  <div className={classes.state}>
    <span
      className={classes.dot}
      data-state={state === 'working' ? 'good' : state === 'retrying' || state === 'parked' ? 'warn' : 'bad'}
    />
    <span>
      <strong>{name}</strong>
      <span className={`muted ${classes.said}`}>{said}</span>
    </span>
  </div>
)

export default System
