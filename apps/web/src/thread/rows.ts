/**
 * How high the rows of a long list are, measured or guessed, and where each begins. Everything but {@link Rows.resize} takes
 * logarithmic time: a row that turns out higher than it was guessed moves all that follow, of which there may be 100,000.
 */
export class Rows {
  readonly #guess: number;
  #count = 0;
  /** Pixels by row; 0 where it was never seen. */
  #heights = new Float64Array(16);
  /** A binary indexed tree over how much each row differs from the guess. */
  #tree = new Float64Array(17);

  constructor(guess: number) {
    this.#guess = guess;
  }

  get count(): number {
    return this.#count;
  }

  get total(): number {
    return this.top(this.#count);
  }

  resize(count: number): void {
    for (let i = count; i < this.#count; i++) this.#forget(i);
    this.#count = count;
    if (count <= this.#heights.length) return;
    const heights = new Float64Array(2 ** Math.ceil(Math.log2(count + 1)));
    heights.set(this.#heights);
    this.#heights = heights;
    this.#tree = new Float64Array(heights.length + 1);
    for (let i = 0; i < heights.length; i++) {
      const height = heights[i] as number;
      if (height > 0) this.#add(i, height - this.#guess);
    }
  }

  isKnown(index: number): boolean {
    return (this.#heights[index] ?? 0) > 0;
  }

  height(index: number): number {
    return this.#heights[index] || this.#guess;
  }

  measure(index: number, height: number): void {
    if (index < 0 || index >= this.#count || !(height > 0)) return;
    this.#add(index, height - this.height(index));
    this.#heights[index] = height;
  }

  /** Pixels from the beginning of the list to the row; with `count`, to the end. */
  top(index: number): number {
    let sum = index * this.#guess;
    for (let i = index; i > 0; i -= i & -i) sum += this.#tree[i] as number;
    return sum;
  }

  /** The row at this many pixels from the beginning, the first or last where there is none. */
  at(offset: number): number {
    let index = 0;
    let rest = offset;
    for (let step = this.#heights.length; step >= 1; step /= 2) {
      const next = index + step;
      if (next >= this.#count) continue;
      const height = step * this.#guess + (this.#tree[next] as number);
      if (height > rest) continue;
      index = next;
      rest -= height;
    }
    return index;
  }

  #forget(index: number): void {
    if (!this.isKnown(index)) return;
    this.#add(index, this.#guess - this.height(index));
    this.#heights[index] = 0;
  }

  #add(index: number, difference: number): void {
    for (let i = index + 1; i < this.#tree.length; i += i & -i)
      this.#tree[i] = (this.#tree[i] as number) + difference;
  }
}
