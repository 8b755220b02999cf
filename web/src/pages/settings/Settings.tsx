// What is settled here: for oneself, for projects, for who may come in.
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useAccess, may } from '~/api/access'
import type { Permission } from '~/api/types'
import { Page } from '~/ui/Page'
import { Tabs } from '~/ui/Tabs'
import { About } from './About'
import { Audit } from './Audit'
import { Keys } from './ApiKeys'
import { Members } from './Members'
import { Privacy } from './Privacy'
import { Projects } from './Projects'
import { You } from './You'

interface Tab {
  label: string
  shown: () => ReactNode
  /** Who may not has no such tab. */
  needs?: Permission
  /** Only for whoever has an account. */
  isOfAccounts?: boolean
}

const TABS: Record<string, Tab> = {
  you: { label: 'You', shown: You },
  projects: { label: 'Projects', shown: Projects },
  members: { label: 'Members', shown: Members, needs: 'users' },
  keys: { label: 'API keys', shown: Keys, isOfAccounts: true },
  audit: { label: 'Audit log', shown: Audit, needs: 'audit' },
  privacy: { label: 'Privacy and storage', shown: Privacy },
  about: { label: 'About', shown: About },
}

const Settings = () => {
  const access = useAccess()
  const { tab } = useSearch({ from: '/app/settings' })
  const navigate = useNavigate({ from: '/settings' })
  const offered = Object.entries(TABS).filter(
    ([, { needs, isOfAccounts }]) => (!needs || may(access, needs)) && (!isOfAccounts || access?.by === 'session'),
  )
  const [chosen, { shown: Shown }] = offered.find(([name]) => name === tab) ?? (offered[0] as [string, Tab])
  return (
    <Page title="Settings">
      <div style={{ overflowX: 'auto' }}>
        <Tabs
          label="Settings"
          isLarge
          value={chosen}
          tabs={offered.map(([value, { label }]) => ({ value, label }))}
          onChange={(value) =>
            void navigate({ search: (old) => ({ ...old, tab: value === 'you' ? undefined : value }) })
          }
        />
      </div>
      <Shown />
    </Page>
  )
}

export default Settings
