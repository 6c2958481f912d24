/** All verbs of `warren ctl`, by name. */
import type { Verb } from './verb.ts'
import { CHECK_VERBS } from './verbs-checks.ts'
import { CLUSTER_VERBS } from './verbs-cluster.ts'
import { MESSAGE_VERBS } from './verbs-messages.ts'
import { NODE_VERBS } from './verbs-node.ts'
import { OBJECT_VERBS } from './verbs-objects.ts'
import { PERMISSION_VERBS, USER_VERBS } from './verbs-users.ts'
import { DEFINITION_VERBS, PARAMETER_VERBS, POLICY_VERBS, VHOST_VERBS } from './verbs-vhosts.ts'

/** Verbs by group, as `help` lists them. */
export const VERB_GROUPS: ReadonlyMap<string, readonly Verb[]> = new Map([
  ['Users', USER_VERBS],
  ['Permissions', PERMISSION_VERBS],
  ['Virtual hosts', VHOST_VERBS],
  ['Queues and connections', OBJECT_VERBS],
  ['Messages of a queue', MESSAGE_VERBS],
  ['Policies', POLICY_VERBS],
  ['Parameters', PARAMETER_VERBS],
  ['Definitions', DEFINITION_VERBS],
  ['Node', NODE_VERBS],
  ['Checks', CHECK_VERBS],
  ['Cluster', CLUSTER_VERBS],
])

/** The verb of this name. */
export function verbOf(name: string): Verb | undefined {
  for (const verbs of VERB_GROUPS.values()) {
    const found = verbs.find((verb) => verb.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Names that resemble this one. */
export function similarVerbs(name: string): string[] {
  const words = name.split('_').filter((word) => word.length > 2)
  const all = [...VERB_GROUPS.values()].flat().map((verb) => verb.name)
  return all.filter((candidate) => words.some((word) => candidate.includes(word))).slice(0, 5)
}
