import { expect, it, vi } from 'vitest';
import { createMetrics } from './metrics.ts';
import type { PassResult } from './next-attempt.ts';
import { runWorkers } from './workers.ts';
import { createWorkqueue } from './workqueue.ts';

const monotonicMs = () => performance.now();

it('serves a namespace at once beside another one with 150 Providers that all hang', async () => {
  const workers = 40;
  const queue = createWorkqueue({
    monotonicMs,
    random: () => 0.5,
    lanes: { of: (key) => key, keysOf: () => 10 },
    workers,
  });
  const hung = Promise.withResolvers<PassResult>();
  const served: string[] = [];
  let hanging = 0;
  const passOver = (key: string): Promise<PassResult> => {
    if (key.startsWith('hung/')) {
      hanging += 1;
      return hung.promise;
    }
    served.push(key);
    return Promise.resolve('settled');
  };
  const stop = new AbortController();
  const options = { queue, metrics: createMetrics('test'), monotonicMs, workers, kind: 'Provider', passOver };
  const running = runWorkers(options, stop.signal, new AbortController().signal);
  for (let number = 1; number <= 150; number += 1) queue.add(`hung/${number}`);
  await vi.waitUntil(() => hanging >= 20);
  for (let number = 1; number <= 30; number += 1) queue.add(`other/${number}`);
  await vi.waitUntil(() => served.length === 30);
  expect(hanging).toBe(20);
  stop.abort();
  hung.resolve('transient');
  expect(await running).toBe(true);
  queue.close();
});
