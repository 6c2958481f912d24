/** . */
export function NodePage() {
  return <h1>NodePage</h1>
}
