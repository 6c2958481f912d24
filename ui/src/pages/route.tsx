/** . */
export function RoutePage() {
  return <h1>RoutePage</h1>
}
