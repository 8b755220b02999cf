// Waiting for the first event, with all that it takes to send it.
import { Button, CopyButton, Loader, TextInput, UnstyledButton } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { hostOf, useAccess } from '~/api/access'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { sqlScope } from '~/pages/web/useWeb'
import { useNewest } from '~/pages/live/events'
import { useCounts, useScope } from '~/scope'
import classes from './Onboarding.module.css'
import { SNIPPETS } from './snippets'

const TOKEN = /^phc_[A-Za-z0-9_]{1,60}$/
const EVERY_MS = 2_000

interface Props {
  sdk?: string | undefined
  onSdk: (sdk: string) => void
}

export const Onboarding = ({ sdk, onSdk }: Props) => {
  const scope = useScope()
  const access = useAccess()
  const [typed, setTyped] = useLocalStorage({
    key: `hogflare.token.${scope.team}`,
    defaultValue: '',
    getInitialValueInEffect: false,
  })
  const token = typed || scope.project.token || ''
  const snippet = SNIPPETS.find((one) => one.sdk === sdk) ?? SNIPPETS[0]
  if (!snippet) return null
  const code = snippet.code(hostOf(access), token || 'phc_your_project_token')
  return (
    <div className={classes.columns}>
      <div className={classes.steps}>
        <section>
          <h2>1. Your project’s token</h2>
          <p className="muted">
            It is public: it is in every page. <code>POSTHOG_API_KEY</code>, or a project of the configuration, says
            which one is yours.
          </p>
          <TextInput
            aria-label="Token"
            placeholder="phc_…"
            value={token}
            spellCheck={false}
            maw={420}
            error={token && !TOKEN.test(token) ? 'A token begins with phc_, and letters and digits follow.' : undefined}
            onChange={(event) => setTyped(event.currentTarget.value.trim())}
          />
        </section>
        <section>
          <h2>2. The SDK, with this host</h2>
          <p className="muted">Any SDK of PostHog’s works as it is; only the host is another.</p>
          <div className={classes.sdks} role="tablist" aria-label="SDK">
            {SNIPPETS.map((one) => (
              <UnstyledButton
                key={one.sdk}
                role="tab"
                aria-selected={one.sdk === snippet.sdk}
                data-active={one.sdk === snippet.sdk || undefined}
                className={classes.sdk}
                onClick={() => onSdk(one.sdk)}
              >
                {one.label}
              </UnstyledButton>
            ))}
          </div>
          {snippet.install && <Code text={snippet.install} />}
          <Code text={code} />
        </section>
        <section>
          <h2>3. The first event</h2>
          <First />
        </section>
      </div>
    </div>
  )
}

const Code = ({ text }: { text: string }) => (
  <div className={classes.code}>
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          size="compact-xs"
          variant="default"
          className={classes.copy}
          onClick={copy}
          leftSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
        >
          {copied ? 'Copied' : 'Copy'}
        </Button>
      )}
    </CopyButton>
  </div>
)

/** Names are as long as whoever sends them likes. */
const shortened = (text: string): string => {
  const letters = [...text]
  return letters.length > 60 ? `${letters.slice(0, 60).join('')}…` : text
}

/** Whether something came, to this project or to another one: a wrong token is the usual mistake. */
const First = () => {
  const scope = useScope()
  const newest = useNewest({ ...sqlScope(scope), filters: [], withoutBots: false }, 1, EVERY_MS, 60 * 24)
  const counts = useCounts(newest.data?.length === 0)
  const event = newest.data?.[0]
  const elsewhere = (counts.data ?? []).filter(
    ({ team, last }) => team !== scope.team && last !== null && Date.now() - (format.instant(last) ?? 0) < 15 * 60_000,
  )
  if (!event) {
    return (
      <>
        <p className={classes.waiting} role="status">
          <Loader size={14} color="var(--accent)" /> Waiting for your first event…
        </p>
        {elsewhere.map(({ team, token }) => (
          <p key={team} className="muted">
            Events come with the token <code>{token}</code>, which is of{' '}
            {team === 0 ? 'no project' : (scope.projects.find((one) => one.team === team)?.name ?? `project ${team}`)}.{' '}
            <Link to="/" search={{ project: team }}>
              Show them
            </Link>
          </p>
        ))}
      </>
    )
  }
  return (
    <p className={classes.waiting} role="status">
      <IconCheck size={16} className="good" aria-hidden />
      <span className={classes.first}>
        {shortened(format.eventName(event.event))} of {shortened(event.distinct_id)} came {format.ago(event.created_at)}
        .{' '}
        <Link to="/live" search={keep as never}>
          See events as they come
        </Link>
      </span>
    </p>
  )
}
