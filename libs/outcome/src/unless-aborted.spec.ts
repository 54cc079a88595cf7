import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { unlessAborted } from './unless-aborted.ts';

const never = new Promise<never>(() => undefined);
const listenersTo = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

it('gives what the promise gives, and listens no longer', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, Promise.resolve('done'))).toBe('done');
  await expect(unlessAborted(signal, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(listenersTo(signal)).toBe(0);
});

it('ends with the reason of the signal, and listens no longer', async () => {
  const controller = new AbortController();
  const ended = unlessAborted(controller.signal, never);
  expect(listenersTo(controller.signal)).toBe(1);
  controller.abort(new Error('stopped'));
  await expect(ended).rejects.toThrow('stopped');
  expect(listenersTo(controller.signal)).toBe(0);
  await expect(unlessAborted(controller.signal, never)).rejects.toThrow('stopped');
});
