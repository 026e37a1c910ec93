export function Wall() {
  return <main id="main" class="wall" />
}
