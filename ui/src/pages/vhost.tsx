/** . */
export function VhostPage() {
  return <h1>VhostPage</h1>
}
