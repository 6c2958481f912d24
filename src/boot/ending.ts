/** How a broker ends: the steps of its making, taken back in reverse order, after a failed start as after a good life. */

export class Ending {
  readonly #steps: (() => Promise<void> | void)[] = []
  #done: Promise<void> | null = null

  /** Something was made: this is how it ends. */
  add(step: () => Promise<void> | void): void {
    this.#steps.push(step)
  }

  /** Takes everything back. Calling it again gives the same promise. A step that fails does not keep the others from running. */
  run(): Promise<void> {
    this.#done ??= this.#run()
    return this.#done
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    for (const step of this.#steps.reverse()) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
