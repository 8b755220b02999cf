// How events get here: the snippet for each SDK, and whether the first one came.
import { useSearch, useNavigate } from '@tanstack/react-router'
import { Page } from '~/ui/Page'
import { Onboarding } from './Onboarding'

const Connect = () => {
  const { sdk } = useSearch({ from: '/app/connect' })
  const navigate = useNavigate({ from: '/connect' })
  return (
    <Page title="Connect">
      <Onboarding
        sdk={sdk}
        onSdk={(chosen) =>
          void navigate({ search: (old) => ({ ...old, sdk: chosen }), replace: true, resetScroll: false })
        }
      />
    </Page>
  )
}

export default Connect
