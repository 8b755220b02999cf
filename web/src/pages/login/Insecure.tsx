// Why a password should not be sent from here, in the words of the server, which knows how it is reached.
import { useQuery } from '@tanstack/react-query'
import { askSetUp } from '~/api/people'
import classes from './Login.module.css'

export const Insecure = () => {
  const setUp = useQuery({ queryKey: ['setup'], queryFn: ({ signal }) => askSetUp(signal), retry: false })
  const insecure = setUp.data?.insecure
  if (!insecure) return null
  return (
    <section className={classes.warning} aria-label="This connection is not safe">
      <p className={classes.reason}>{insecure.reason}. Open a tunnel:</p>
      <pre tabIndex={0}>
        <code>{insecure.tunnel}</code>
      </pre>
      <p>
        Then open <code>{insecure.then}</code>.
      </p>
      <p>Or {insecure.https}.</p>
    </section>
  )
}
