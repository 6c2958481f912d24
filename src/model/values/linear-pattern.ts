/**
 * Matches a regular expression in time that is bounded by the length of the text times that of the expression: all ways are
 * followed at once, instead of one after the other as the platform does. Used by `pattern.ts` where the latter could take ages.
 *
 * What one character is, and what a word is, the platform decides. Back references cannot be had this way.
 */
import type { PatternNode } from './pattern-syntax.ts'

/** Longer ones are refused: repetitions are written out. */
const STEPS_MAX = 2_000
/** Of what is looked around with, which may be followed from every place of the text. */
const LOOK_STEPS_MAX = 20
/** Steps times characters; longer texts do not match. A tenth of a second. */
const WORK_MAX = 5_000_000
const ASCII = 128
const UNKNOWN = 0
const YES = 1
const NO = 2

/** One step of an expression: take a character, or go on without. */
type Step =
  | { readonly kind: 'take'; readonly character: Character; readonly next: number }
  | { readonly kind: 'when'; readonly holds: (at: number) => boolean; readonly next: number }
  | { kind: 'fork'; left: number; right: number }
  | { readonly kind: 'found' }

/** A text as characters, shared by an expression and what it looks around with. */
interface Subject {
  characters: readonly string[]
}

/** An expression in steps, or null: it refers back, or is too long. `flags`: those it was accepted with. */
export function linearPattern(node: PatternNode, flags: string): LinearPattern | null {
  const subject: Subject = { characters: [] }
  const steps = new Steps(flags, subject)
  const start = steps.write(node, steps.found())
  return steps.isComplete ? new LinearPattern(steps, start, subject, flags.includes('u')) : null
}

/** A compiled expression. */
export class LinearPattern {
  readonly #run: Run
  readonly #subject: Subject
  readonly #isUnicode: boolean
  readonly #stepCount: number
  readonly #lookStepCount: number

  constructor(steps: Steps, start: number, subject: Subject, isUnicode: boolean) {
    this.#run = new Run(steps.list, start, subject)
    this.#stepCount = steps.list.length
    this.#lookStepCount = steps.lookStepCount
    this.#subject = subject
    this.#isUnicode = isUnicode
  }

  test(text: string): boolean {
    const { length } = text
    if (length * (this.#stepCount + length * this.#lookStepCount) > WORK_MAX) return false
    // By code points in the strict syntax, by UTF-16 units in the loose one.
    this.#subject.characters = this.#isUnicode ? [...text] : text.split('')
    return this.#run.isFound(0, true, null)
  }
}

/** Follows all ways through the steps. */
class Run {
  readonly #steps: readonly Step[]
  readonly #start: number
  readonly #subject: Subject
  /** By step: the round in which it was reached last. */
  readonly #reached: Float64Array
  #round = 0
  #now: number[] = []
  #next: number[] = []

  constructor(steps: readonly Step[], start: number, subject: Subject) {
    this.#steps = steps
    this.#start = start
    this.#subject = subject
    this.#reached = new Float64Array(steps.length)
  }

  /** Whether there is a match from here, or from any later place. `end`: it must end there. */
  isFound(from: number, isAnywhere: boolean, end: number | null): boolean {
    const { characters } = this.#subject
    this.#next = []
    for (let at = from; ; at++) {
      const reached = this.#next
      this.#next = this.#now
      this.#now = reached
      this.#next.length = 0
      // What was reached by the last character is marked in this round already.
      if (at === from) this.#round++
      if ((at === from || isAnywhere) && this.#reach(this.#start, at, this.#now) && (end ?? at) === at) return true
      if (at === characters.length || at === end) return false
      this.#round++
      if (this.#advance(characters[at]!, at + 1) && (end ?? at + 1) === at + 1) return true
      if (this.#next.length === 0 && !isAnywhere) return false
    }
  }

  /** Takes a character; whether a match ends after it. */
  #advance(character: string, at: number): boolean {
    let isFound = false
    for (const index of this.#now) {
      const step = this.#steps[index]!
      if (step.kind === 'take' && step.character.is(character) && this.#reach(step.next, at, this.#next)) isFound = true
    }
    return isFound
  }

  /** Adds what is reached from a step without a character; whether that is a match. */
  #reach(from: number, at: number, list: number[]): boolean {
    let isFound = false
    const open = [from]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (this.#reached[index] === this.#round) continue
      this.#reached[index] = this.#round
      const step = this.#steps[index]!
      if (step.kind === 'found') isFound = true
      else if (step.kind === 'take') list.push(index)
      else if (step.kind === 'fork') open.push(step.left, step.right)
      else if (step.holds(at)) open.push(step.next)
    }
    return isFound
  }
}

/** Writes steps, from the last to the first. */
class Steps {
  readonly list: Step[] = []
  isComplete = true
  lookStepCount = 0
  readonly #flags: string
  readonly #subject: Subject
  readonly #word: Character

  constructor(flags: string, subject: Subject) {
    this.#flags = flags
    this.#subject = subject
    this.#word = new Character('\\w', flags)
  }

  found(): number {
    return this.#add({ kind: 'found' })
  }

  /** The steps of a part; `next`: what follows it. Returns where it begins. */
  write(node: PatternNode, next: number): number {
    if (!this.isComplete) return next
    switch (node.kind) {
      case 'character':
        return this.#add({ kind: 'take', character: new Character(node.text, this.#flags), next })
      case 'edge':
        return this.#add({ kind: 'when', holds: this.#edge(node.text), next })
      case 'look':
        return this.#look(node, next)
      case 'sequence':
        return node.items.reduceRight((after, item) => this.write(item, after), next)
      case 'choice':
        return node.options
          .map((option) => this.write(option, next))
          .reduceRight((right, left) => this.#add({ kind: 'fork', left, right }))
      case 'repeat':
        return this.#repeat(node.item, node.min, node.max, next)
      case 'other':
        this.isComplete = false
        return next
    }
  }

  #repeat(item: PatternNode, min: number, max: number, next: number): number {
    let at = next
    if (max === Infinity) {
      const fork: Step & { kind: 'fork' } = { kind: 'fork', left: next, right: next }
      at = this.#add(fork)
      fork.left = this.write(item, at)
    } else {
      for (let i = min; i < max && this.isComplete; i++) {
        at = this.#add({ kind: 'fork', left: this.write(item, at), right: next })
      }
    }
    for (let i = 0; i < min && this.isComplete; i++) at = this.write(item, at)
    return at
  }

  /** Looks around with steps of its own; once for each place. */
  #look({ isAhead, isNegative, item }: PatternNode & { kind: 'look' }, next: number): number {
    const inside = new Steps(this.#flags, this.#subject)
    const start = inside.write(item, inside.found())
    this.lookStepCount += inside.list.length
    const isShort = this.lookStepCount <= LOOK_STEPS_MAX && inside.lookStepCount === 0
    if (!inside.isComplete || !isShort) this.isComplete = false
    const run = new Run(inside.list, start, this.#subject)
    const isThere = (at: number): boolean => (isAhead ? run.isFound(at, false, null) : run.isFound(0, true, at))
    return this.#add({ kind: 'when', holds: (at) => isThere(at) !== isNegative, next })
  }

  #edge(text: string): (at: number) => boolean {
    const subject = this.#subject
    const hasLines = this.#flags.includes('m')
    const isLineEnd = (at: number): boolean => hasLines && /[\n\r\u2028\u2029]/.test(subject.characters[at] ?? '')
    if (text === '^') return (at) => at === 0 || isLineEnd(at - 1)
    if (text === '$') return (at) => at === subject.characters.length || isLineEnd(at)
    const isWord = (at: number): boolean => at in subject.characters && this.#word.is(subject.characters[at]!)
    const isBoundary = (at: number): boolean => isWord(at - 1) !== isWord(at)
    return text === '\\b' ? isBoundary : (at) => !isBoundary(at)
  }

  #add(step: Step): number {
    if (this.list.length >= STEPS_MAX) this.isComplete = false
    return this.list.push(step) - 1
  }
}

/** What one place of an expression takes; answers for ASCII are kept. */
class Character {
  readonly #expression: RegExp
  readonly #known = new Uint8Array(ASCII)

  constructor(text: string, flags: string) {
    this.#expression = new RegExp(`^(?:${text})$`, flags.replace('m', ''))
  }

  is(character: string): boolean {
    const code = character.charCodeAt(0)
    if (code >= ASCII) return this.#expression.test(character)
    if (this.#known[code] === UNKNOWN) this.#known[code] = this.#expression.test(character) ? YES : NO
    return this.#known[code] === YES
  }
}
