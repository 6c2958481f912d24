/** . */
export function LimitsPage() {
  return <h1>LimitsPage</h1>
}
