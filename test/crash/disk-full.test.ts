// A real broker on a real file system that is full. Mounting one needs root; `store-space.test.ts` shows the same of the
// store on a faulty disk, everywhere.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FullDiskFigures, fillDisk } from './disk-full.ts'
import { SmallDisk } from './small-disk.ts'

async function onSmallDisk(
  context: TestContext,
  mebibytes: number,
  freeBytesLimit: number,
): Promise<FullDiskFigures | undefined> {
  const disk = SmallDisk.mount(mebibytes)
  if (disk === undefined) {
    context.diagnostic('not run: no file system can be mounted here')
    return undefined
  }
  try {
    return await fillDisk(disk, { freeBytesLimit })
  } finally {
    disk.unmount()
  }
}

test('publishers are blocked when free space falls below the limit, and go on when there is room', async (context) => {
  const limit = 32 * 2 ** 20
  const figures = await onSmallDisk(context, 96, limit)
  if (figures === undefined) return
  assert.equal(figures.blockedReason, 'low on disk')
  assert.ok(figures.freeBytesAtStop > limit / 2, `${figures.freeBytesAtStop} bytes were left`)
  assert.equal(figures.nackedCount, 0)
})

test('a full disk loses nothing confirmed, the broker lives, and goes on when there is room', async (context) => {
  const figures = await onSmallDisk(context, 64, 0)
  if (figures === undefined) return
  assert.ok(figures.blockedReason !== '' || figures.nackedCount > 0)
  assert.ok(figures.confirmedAfter > figures.confirmedBefore && figures.foundCount >= figures.confirmedAfter)
})
