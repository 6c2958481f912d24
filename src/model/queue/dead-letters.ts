/**
 * The sink of dead letters: keeps the record of deaths and publishes the letter. One per broker, called by queues.
 *
 * Invariant: the stored message is not changed; a dead letter is a new message with one more death, without expiration.
 * [RabbitMQ: dead letter exchanges; docs/dead-lettering.md]
 */
import type { Logger } from '../../base/log.ts'
import {
  type Annotations,
  type Death,
  type DeathPlace,
  readAnnotations,
  writeAnnotations,
} from '../message/annotations.ts'
import { MessageDraft, type MessageView, NO_EXPIRATION, NO_FACTS, type RoutingFacts } from '../message/message.ts'
import { type ExtraKeys, type MessageFormat, type MessageFormats, NO_EXTRA_KEYS } from '../message/message-format.ts'
import type { Arguments, TypedValue } from '../values/arguments.ts'
import type {
  DeadLetterOutcome,
  DeadLetterRouter,
  DeadLetterSink,
  DeadLetterSource,
  DeadLetterTarget,
  DeathReason,
  RouteFilter,
} from './dead-letter.ts'
import { LastLetter, type PlainDeath } from './last-letter.ts'
import type { MessageTarget } from './queue.ts'

/** Distinct cycles that are remembered as logged; then they are logged anew. */
const LOGGED_CYCLES_MAX = 1_000

/** What the sink needs. */
export interface DeadLettersHost {
  readonly router: DeadLetterRouter
  readonly formats: MessageFormats
  readonly log: Logger
}

/** Publishes dead letters of all queues. */
export class DeadLetters implements DeadLetterSink {
  readonly #host: DeadLettersHost
  /** Nested dead letters (a full target pushes its oldest out) have one each. */
  readonly #letters: Letter[] = []
  readonly #last = new LastLetter()
  readonly #loggedCycles = new Set<string>()
  #depth = 0

  constructor(host: DeadLettersHost) {
    this.#host = host
  }

  deadLetter(
    source: DeadLetterSource,
    view: MessageView,
    reason: DeathReason,
    target: DeadLetterTarget,
    deliveryCount: number,
    acquiredCount: number,
    nowMs: number,
  ): DeadLetterOutcome {
    const death = { source: source.name, reason, target, nowMs, deliveryCount, acquiredCount }
    const letter = this.#letter()
    const after = this.#make(letter, view, death)
    const filter = reason === 'rejected' ? null : letter.filterFor(after)
    this.#depth++
    try {
      return this.#host.router.publishDeadLetter(source.vhost, letter.draft, filter)
    } finally {
      this.#depth--
      if (filter !== null && filter.cycle !== null) this.#logCycle(source.vhost, filter.cycle)
    }
  }

  /** Makes the draft the letter of this death; returns its annotations. */
  #make(letter: Letter, view: MessageView, death: NewDeath): Annotations {
    const { draft } = letter
    const before = readAnnotations(view)
    const keys = this.#extraKeys(view, before)
    const { target, nowMs } = death
    const isPlain = death.deliveryCount + death.acquiredCount + keys.cc.length + keys.bcc.length === 0
    if (isPlain && this.#last.fits(view, death)) {
      this.#last.address(draft)
      this.#fill(letter, view, target, keys, nowMs)
      draft.annotations = this.#last.encoded
      return this.#last.annotations
    }
    draft.address(target.exchange, target.routingKey ?? view.routingKey())
    this.#fill(letter, view, target, keys, nowMs)
    const after = withDeath(before, view, keys, target, death)
    draft.annotations = writeAnnotations(after)
    if (isPlain && before.deaths === undefined) this.#last.keep(view, death, draft, after)
    return after
  }

  #letter(): Letter {
    const letter = this.#letters[this.#depth] ?? new Letter()
    this.#letters[this.#depth] = letter
    return letter
  }

  #extraKeys(view: MessageView, annotations: Annotations): ExtraKeys {
    if (annotations.cc !== undefined || annotations.bcc !== undefined) {
      return { cc: annotations.cc ?? [], bcc: annotations.bcc ?? [] }
    }
    return this.#host.formats.get(view.protocol)?.extraKeys(view) ?? NO_EXTRA_KEYS
  }

  #fill(letter: Letter, view: MessageView, target: DeadLetterTarget, keys: ExtraKeys, nowMs: number): void {
    const { draft, facts } = letter
    const format = this.#host.formats.get(view.protocol)
    draft.protocol = view.protocol
    const extraKeys = target.routingKey === null ? [...keys.cc, ...keys.bcc] : []
    draft.extraKeys = extraKeys.length === 0 ? null : extraKeys
    facts.of(format, view)
    draft.facts = facts
    draft.persistent = view.persistent
    draft.hasPriority = view.hasPriority
    draft.priority = view.priority
    draft.expirationMs = NO_EXPIRATION
    draft.publishedAtMs = nowMs
    draft.body = view.bytes
    draft.bodyStart = view.bodyStart
    draft.bodyEnd = view.bodyEnd
    draft.bodyBytes = view.bodyBytes
    draft.bodyParts = null
    if (format !== undefined && (view.expirationMs !== NO_EXPIRATION || keys.bcc.length > 0)) {
      draft.properties = format.withoutExpiration(view)
      draft.propertiesStart = 0
      draft.propertiesEnd = draft.properties.length
    } else {
      draft.properties = view.bytes
      draft.propertiesStart = view.propertiesStart
      draft.propertiesEnd = view.propertiesEnd
    }
  }

  #logCycle(vhost: string, cycle: readonly string[]): void {
    const key = [vhost, ...cycle].join('\n')
    if (this.#loggedCycles.has(key)) return
    if (this.#loggedCycles.size === LOGGED_CYCLES_MAX) this.#loggedCycles.clear()
    this.#loggedCycles.add(key)
    this.#host.log.warning(
      'Message dropped because the following list of queues (ordered by death recency) contains a dead letter cycle ' +
        `without reason 'rejected'. This list will not be logged again: ${cycle.join(', ')}`,
      { vhost },
    )
  }
}

/** The letter being made; the next one of its level of nesting uses it again. */
class Letter {
  readonly draft = new MessageDraft()
  readonly facts = new FactsOnDemand()
  #annotations: Annotations | null = null
  #filter = new CycleFilter([])

  /** The filter for these annotations; in a run of equal letters always the same. */
  filterFor(annotations: Annotations): CycleFilter {
    if (annotations !== this.#annotations) {
      this.#annotations = annotations
      this.#filter = new CycleFilter(annotations.deaths ?? [])
    }
    this.#filter.cycle = null
    return this.#filter
  }
}

/** Facts of a stored message, which few routes ask for. */
class FactsOnDemand implements RoutingFacts {
  #format: MessageFormat | undefined
  #view: MessageView | null = null
  #facts: RoutingFacts | null = null

  /** From now on those of this message. Borrowed, like the view. */
  of(format: MessageFormat | undefined, view: MessageView): void {
    this.#format = format
    this.#view = view
    this.#facts = null
  }

  header(name: string): TypedValue | undefined {
    return this.#get().header(name)
  }

  headers(): Arguments {
    return this.#get().headers()
  }

  property(name: string): string | undefined {
    return this.#get().property(name)
  }

  #get(): RoutingFacts {
    this.#facts ??= (this.#view !== null && this.#format?.facts(this.#view)) || NO_FACTS
    return this.#facts
  }
}

interface NewDeath extends PlainDeath {
  readonly deliveryCount: number
  readonly acquiredCount: number
}

/** The annotations after one more death. */
function withDeath(
  before: Annotations,
  view: MessageView,
  keys: ExtraKeys,
  target: DeadLetterTarget,
  death: NewDeath,
): Annotations {
  const exchange = view.exchange()
  const place: DeathPlace = { reason: death.reason, queue: death.source, exchange }
  const { deliveryCount: _1, acquiredCount: _2, cc: _3, bcc: _4, ...kept } = before
  const hasExtraKeys = keys.cc.length + keys.bcc.length > 0
  return {
    ...kept,
    deaths: recorded(before.deaths ?? [], view, exchange, keys, death),
    firstDeath: before.firstDeath ?? place,
    lastDeath: place,
    // Once the queue's own key replaced them, the keys of the properties must not route again.
    ...(hasExtraKeys && (target.routingKey === null ? { cc: keys.cc, bcc: keys.bcc } : { cc: [] })),
    ...(death.deliveryCount > 0 && { deliveryCount: death.deliveryCount }),
    ...(death.acquiredCount > 0 && { acquiredCount: death.acquiredCount }),
  }
}

function recorded(
  deaths: readonly Death[],
  view: MessageView,
  exchange: string,
  keys: ExtraKeys,
  death: NewDeath,
): readonly Death[] {
  const known = deaths.find((each) => each.queue === death.source && each.reason === death.reason)
  if (known !== undefined) {
    const again: Death = { ...known, count: known.count + 1, lastAtMs: death.nowMs }
    return [again, ...deaths.filter((each) => each !== known)]
  }
  const first: Death = {
    queue: death.source,
    reason: death.reason,
    count: 1,
    firstAtMs: death.nowMs,
    lastAtMs: death.nowMs,
    exchange,
    routingKeys: [view.routingKey(), ...keys.cc],
    ...(view.expirationMs !== NO_EXPIRATION && { originalExpirationMs: view.expirationMs }),
  }
  return [first, ...deaths]
}

/**
 * Skips a queue that the message died in before, unless somebody rejected it since: only a consumer's decision ends a
 * cycle that is otherwise endless.
 */
class CycleFilter implements RouteFilter {
  readonly #deaths: readonly Death[]
  /** The queues of the last cycle found, the target first; null when none was. */
  cycle: readonly string[] | null = null

  constructor(deaths: readonly Death[]) {
    this.#deaths = deaths
  }

  accepts(target: MessageTarget): boolean {
    const deaths = this.#deaths
    for (let i = 0; i < deaths.length; i++) {
      const death = deaths[i]!
      if (death.reason === 'rejected') return true
      if (death.queue !== target.name) continue
      this.cycle = [target.name, ...deaths.slice(0, i + 1).map((each) => each.queue)]
      return false
    }
    return true
  }
}
