/** . */
export function FeaturesPage() {
  return <h1>FeaturesPage</h1>
}
