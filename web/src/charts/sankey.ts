// The parts of ECharts that draw ways; loaded with the first of them.
import { SankeyChart } from 'echarts/charts'
import { TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([SankeyChart, TooltipComponent, CanvasRenderer])

export { init }
