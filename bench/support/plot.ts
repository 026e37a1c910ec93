export type Series = { name: string; points: readonly (readonly [x: number, y: number])[] }

const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700']
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [640, 320, 60, 40, 36, 20]

/** A line plot as SVG: a logarithmic x axis, a linear y axis from zero. */
export function plot(title: string, labels: { x: string; y: string }, series: readonly Series[]): string {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x))
  const top = 1.1 * Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y)))
  const [low, high] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))]
  const toX = (x: number) => LEFT + ((Math.log10(x) - low) / (high - low || 1)) * (WIDTH - LEFT - RIGHT)
  const toY = (y: number) => HEIGHT - BOTTOM - (y / top) * (HEIGHT - BOTTOM - TOP)
  const text = (x: number, y: number, what: string, anchor = 'middle') =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${what}</text>`
  const ticks = [...new Set(xs)].map(
    (x) =>
      `<path d="M${toX(x).toFixed(1)} ${HEIGHT - BOTTOM}v4"/>${text(toX(x), HEIGHT - BOTTOM + 18, String(x))}`,
  )
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = toY(share * top)
    return `<path class="grid" d="M${LEFT} ${y.toFixed(1)}H${WIDTH - RIGHT}"/>${text(LEFT - 6, y + 4, (share * top).toFixed(1), 'end')}`
  })
  const lines = series.map(({ name, points }, index) => {
    const colour = colours[index % colours.length]
    const path = points.map(([x, y]) => `${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`).join('L')
    const dots = points
      .map(([x, y]) => `<circle cx="${toX(x).toFixed(1)}" cy="${toY(y).toFixed(1)}" r="3" fill="${colour}"/>`)
      .join('')
    const legend = `<text x="${LEFT + 10 + index * 240}" y="${TOP - 4}" fill="${colour}">${name}</text>`
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}${legend}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<style>path{stroke:#57606a}.grid{stroke:#d0d7de}</style>
<rect width="100%" height="100%" fill="#fff"/>
${text(WIDTH / 2, 16, title)}
${steps.join('\n')}
<path d="M${LEFT} ${HEIGHT - BOTTOM}H${WIDTH - RIGHT}"/>
${ticks.join('\n')}
${text(WIDTH / 2, HEIGHT - 6, labels.x)}
<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${labels.y}</text>
${lines.join('\n')}
</svg>
`
}
