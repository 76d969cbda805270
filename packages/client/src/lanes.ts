/**
 * Makes what belongs to the numbers `from` to `to` (exclusive), `atOnce` of them at a time, and takes each in its order.
 * Ends with the first error, when nothing of it is under way any more: `make` is told by its signal to stop.
 */
export async function inOrder<Made>(
  {
    from,
    to,
    atOnce,
    signal,
  }: { from: number; to: number; atOnce: number; signal?: AbortSignal | undefined },
  make: (number: number, signal: AbortSignal) => Promise<Made>,
  take: (made: Made, number: number) => Promise<void> | void,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const underWay: Promise<Made>[] = [];
  try {
    let next = from;
    for (let number = from; number < to; number++) {
      signal?.throwIfAborted();
      while (next < to && underWay.length < atOnce) {
        const made = make(next++, either);
        // Its turn may come after that of one that fails.
        made.catch(() => {});
        underWay.push(made);
      }
      await take(await (underWay.shift() as Promise<Made>), number);
    }
  } finally {
    stop.abort();
    await Promise.allSettled(underWay);
  }
}
