// Who draws which kind.
import type { ReactNode } from 'react'
import { FunnelsView } from './FunnelsView'
import { LifecycleView } from './LifecycleView'
import { PathsView } from './PathsView'
import type { KindName } from './question'
import { RetentionView } from './RetentionView'
import { StickinessView } from './StickinessView'
import { TrendsView } from './TrendsView'
import type { ViewProps } from './view'
import { WebView } from './WebView'

export const VIEWS: Record<KindName, (props: ViewProps) => ReactNode> = {
  trends: TrendsView,
  funnels: FunnelsView,
  retention: RetentionView,
  paths: PathsView,
  lifecycle: LifecycleView,
  stickiness: StickinessView,
  'web-overview': WebView,
}
