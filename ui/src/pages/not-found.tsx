/** An address that names nothing. */
import { href } from '../base/router.ts'
import { Empty } from '../parts/basics.tsx'
import { PageHead } from '../parts/shell.tsx'

/** The page for addresses without one, and for pages that the user may not see. */
export function NotFound() {
  return (
    <>
      <PageHead title="Not found" />
      <Empty icon="search" title="There is no such page" action={<a href={href([])}>Go to the overview</a>}>
        The address is not known, or your user&rsquo;s tags do not include it.
      </Empty>
    </>
  )
}
