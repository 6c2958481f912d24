/** . */
export function VhostsPage() {
  return <h1>VhostsPage</h1>
}
