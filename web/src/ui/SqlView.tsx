// The statements behind an answer: to read, to copy, to go on with.
import { Button, CopyButton, Drawer } from '@mantine/core'
import { IconCheck, IconCopy, IconTerminal2 } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { keep } from '~/filters/search'
import classes from './SqlView.module.css'

export const SqlView = ({ title, sql, onClose }: { title: string; sql: string[]; onClose: () => void }) => (
  <Drawer opened onClose={onClose} title={`SQL of “${title}”`} size="xl">
    <p className="muted" style={{ marginTop: 0 }}>
      {sql.length === 1 ? 'This statement was run.' : `These ${sql.length} statements were run.`} It runs in the SQL
      console and in DuckDB as it is.
    </p>
    {[...new Set(sql)].map((statement) => (
      <Statement key={statement} sql={statement} />
    ))}
  </Drawer>
)

export const Statement = ({ sql }: { sql: string }) => (
  <figure className={classes.statement}>
    <figcaption className={classes.actions}>
      <CopyButton value={sql}>
        {({ copied, copy }) => (
          <Button
            variant="default"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          >
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
      <Button
        variant="default"
        renderRoot={(props) => (
          <Link to="/sql" search={((old: object) => ({ ...keep(old), q: sql })) as never} {...props} />
        )}
        leftSection={<IconTerminal2 size={14} />}
      >
        Open in the console
      </Button>
    </figcaption>
    <pre className={classes.code} tabIndex={0}>
      <code>{sql}</code>
    </pre>
  </figure>
)
