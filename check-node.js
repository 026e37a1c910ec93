// Plain JavaScript, so that a Node which is too old for the rest can still say so.
import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
const needed = engines.node.match(/\d+/g).map(Number)
const present = process.versions.node.split('.').map(Number)
const isNewEnough = present[0] > needed[0] || (present[0] === needed[0] && present[1] >= needed[1])
if (!isNewEnough) {
  console.error(`Signalbox needs Node ${needed.join('.')} or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
