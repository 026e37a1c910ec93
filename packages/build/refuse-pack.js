// The repository itself is no package: it would bring a Node of its own along.
console.error(
  'Pack what the build writes: npm run build && npm pack ./dist/packages/client ./dist/packages/signalbox',
)
process.exit(1)
