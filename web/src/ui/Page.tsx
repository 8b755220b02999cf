// A page: its title, what stands beside it, and its parts below each other.
import { type ReactNode, useEffect } from 'react'
import classes from './Page.module.css'

interface Props {
  title: string
  /** Beside the title. */
  end?: ReactNode
  children: ReactNode
  isTitleHidden?: boolean
}

export const Page = ({ title, end, children, isTitleHidden }: Props) => {
  useEffect(() => {
    document.title = `${title} · Hogflare`
  }, [title])
  return (
    <div className={classes.page}>
      <div className={classes.head} data-empty={(isTitleHidden && !end) || undefined}>
        <h1 className={isTitleHidden ? 'hidden' : classes.title}>{title}</h1>
        {end}
      </div>
      {children}
    </div>
  )
}
