// What stands before the pages.
import { type ReactNode, useEffect } from 'react'
import flare from '~/assets/flare.svg'
import classes from './Login.module.css'

export const Gate = ({ title, children }: { title: string; children: ReactNode }) => {
  useEffect(() => {
    document.title = `${title} · Hogflare`
  }, [title])
  return (
    <main className={classes.gate}>
      <div className={classes.card}>
        <img src={flare} alt="" width={36} height={36} />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}
