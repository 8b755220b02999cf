// What stands where there is no answer: nothing yet, nothing found, or something went wrong.
import { Button } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Failure } from '~/api/client'
import { keep } from '~/filters/search'
import classes from './States.module.css'

const KEPT: Record<string, string> = {
  unreachable: 'What this page showed before is not lost. It asks again when you say so.',
  slow: 'Nothing was changed. A shorter range or fewer filters take less time.',
  busy: 'The server takes events all the same. Ask again in a moment.',
  missing: 'Everything else goes on.',
  broken: 'Events are taken all the same; only this question failed.',
}

interface TroubleProps {
  error: Error
  retry?: (() => void) | undefined
  /** What failed. */
  what?: string
}

export const Trouble = ({ error, retry, what = 'This could not be shown' }: TroubleProps) => {
  const kept = error instanceof Failure ? KEPT[error.trouble] : undefined
  return (
    <div className={classes.trouble} role="alert">
      <IconAlertCircle size={18} stroke={1.6} className="bad" aria-hidden />
      <div className={classes.words}>
        <strong>{what}</strong>
        <p className={classes.reason}>{error.message}</p>
        {kept && <p className="muted">{kept}</p>}
      </div>
      {retry && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Where nothing was ever sent. */
export const SendSome = () => (
  <Button variant="default" renderRoot={(props) => <Link to="/connect" search={keep as never} {...props} />}>
    Send some
  </Button>
)

export const Empty = ({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) => (
  <div className={classes.empty}>
    <strong>{title}</strong>
    {children && <p className="muted">{children}</p>}
    {action}
  </div>
)
