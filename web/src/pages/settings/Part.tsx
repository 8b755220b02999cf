// A part of the settings: what it is about on the left, what can be changed on the right.
import type { ReactNode } from 'react'
import classes from './Settings.module.css'

export const Part = ({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) => (
  <section className={classes.part} aria-label={title}>
    <div>
      <h2>{title}</h2>
      {about && <p className="muted">{about}</p>}
    </div>
    <div>{children}</div>
  </section>
)

/** Likewise, with the whole width for what is listed. */
export const Wide = ({
  title,
  about,
  end,
  children,
}: {
  title: string
  about?: ReactNode
  end?: ReactNode
  children: ReactNode
}) => (
  <section className={classes.wide} aria-label={title}>
    <header>
      <div>
        <h2>{title}</h2>
        {about && <p className="muted">{about}</p>}
      </div>
      {end}
    </header>
    {children}
  </section>
)
