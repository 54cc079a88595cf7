import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { unlessAborted } from './unless-aborted.ts';
import { withDeadline } from './with-deadline.ts';

const listenersTo = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const waits = (signal: AbortSignal): Promise<never> => unlessAborted(signal, new Promise<never>(() => undefined));

it('gives what is run, and listens no longer', async () => {
  const { signal } = new AbortController();
  const during = await withDeadline(signal, 60_000, () => Promise.resolve(listenersTo(signal)));
  expect(during).toBe(1);
  await expect(withDeadline(signal, 60_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(listenersTo(signal)).toBe(0);
});

it('ends with the reason of the signal, at once where it was aborted before', async () => {
  const controller = new AbortController();
  const ended = withDeadline(controller.signal, 60_000, waits);
  controller.abort(new Error('stopped'));
  await expect(ended).rejects.toThrow('stopped');
  expect(listenersTo(controller.signal)).toBe(0);
  await expect(withDeadline(controller.signal, 60_000, waits)).rejects.toThrow('stopped');
});

it.each([new AbortController().signal, undefined])('ends after its time, with a signal or without', async (signal) => {
  await expect(withDeadline(signal, 1, waits)).rejects.toMatchObject({
    name: 'AbortError',
    message: 'not within 1 ms',
  });
});
