// Until when the rows are, where they are in a catalog that others write.
import { Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { askFreshness } from '~/api/freshness'
import * as format from '~/format/format'
import classes from './TopBar.module.css'

const EVERY_MS = 30_000

export const Freshness = ({ zone }: { zone: string }) => {
  const { data: rows } = useQuery({
    queryKey: ['freshness'],
    queryFn: ({ signal }) => askFreshness(signal),
    refetchInterval: EVERY_MS,
    staleTime: 0,
  })
  if (rows?.source !== 'catalog') return null
  const until = rows.committed_at ? `Rows until ${format.time(rows.committed_at, zone)}` : 'The catalog has no rows yet'
  const asked = rows.checked_at ? `${until}, asked ${format.ago(rows.checked_at)}` : 'The catalog was not read yet'
  const label = [rows.trouble, asked].filter(Boolean).join('. ')
  return (
    <Tooltip label={label} multiline maw={420}>
      <span
        className={classes.freshness}
        data-trouble={rows.trouble ? true : undefined}
        role="status"
        aria-label={label}
      >
        {rows.trouble || !rows.checked_at
          ? 'Catalog not read'
          : rows.committed_at
            ? format.ago(rows.committed_at)
            : 'No rows yet'}
      </span>
    </Tooltip>
  )
}
