// A row of columns as small as a word; the numbers stand beside it.
interface Props {
  values: number[]
  label: string
  width?: number
  height?: number
}

export const Sparkline = ({ values, label, width = 120, height = 24 }: Props) => {
  const most = Math.max(1, ...values)
  const step = width / Math.max(1, values.length)
  return (
    <svg width={width} height={height} role="img" aria-label={label} style={{ display: 'block' }}>
      {values.map((value, index) => {
        const high = value > 0 ? Math.max(2, (value / most) * (height - 1)) : 1
        return (
          <rect
            key={index}
            x={index * step}
            y={height - high}
            width={Math.max(1, step - 1)}
            height={high}
            fill={value > 0 ? 'var(--series-1)' : 'var(--line-strong)'}
            opacity={index === values.length - 1 ? 0.55 : 1}
          />
        )
      })}
    </svg>
  )
}
