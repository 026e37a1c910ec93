/** How the area of a status is drawn, so that no operator has to tell colours apart; working is filled as other areas. */
const strokes: Partial<Record<string, (context: CanvasRenderingContext2D) => void>> = {
  waiting: (context) => {
    for (const offset of [-SIZE, 0, SIZE]) {
      context.moveTo(offset, SIZE)
      context.lineTo(offset + SIZE, 0)
    }
  },
  paused: (context) => {
    context.moveTo(SIZE / 2, 0)
    context.lineTo(SIZE / 2, SIZE)
  },
  idle: () => {},
}

/** In pixels of the canvas. */
const SIZE = 8
const LINE = 2.5

/** The pattern of a status; undefined for another series. */
export function hatched(name: string, color: string, ground: string): CanvasPattern | undefined {
  const draw = strokes[name]
  const tile = document.createElement('canvas')
  const context = tile.getContext('2d')
  if (!draw || !context) return undefined
  tile.width = SIZE
  tile.height = SIZE
  context.fillStyle = `color-mix(in srgb, ${color} 14%, ${ground})`
  context.fillRect(0, 0, SIZE, SIZE)
  context.strokeStyle = color
  context.lineWidth = LINE
  context.beginPath()
  draw(context)
  context.stroke()
  return context.createPattern(tile, 'repeat') ?? undefined
}
