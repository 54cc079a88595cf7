import { describe, expect, it } from 'vitest';
import { knownGaps, type KnownGap } from './known-gaps.ts';

const gap: KnownGap = { title: 'keys end', id: 'E9', why: 'The server keeps them.', endsWith: /expected 'kept'/ };

describe('knownGaps', () => {
  it('leaves a case without a gap as it is', async () => {
    const gaps = knownGaps([gap]);
    const good = gaps.of('keys begin', () => undefined);
    expect(good.title).toBe('keys begin');
    await good.run();
    const broken = gaps.of('keys go on', () => Promise.reject(new Error("expected 'kept' to be 'gone'")));
    await expect(broken.run()).rejects.toThrow("expected 'kept'");
  });

  it('names the gap in the title, and is content with the failure that it names', async () => {
    const { title, run } = knownGaps([gap]).of('keys end', () =>
      Promise.reject(new Error("expected 'kept' to be 'x'")),
    );
    expect(title).toBe('keys end (known gap E9)');
    await run();
  });

  it('fails when the case holds, and says what to do', async () => {
    const { run } = knownGaps([gap]).of('keys end', () => undefined);
    await expect(run()).rejects.toThrow(
      '"keys end" holds now: remove it from the known gaps (E9: The server keeps them.)',
    );
  });

  it.each([
    ['another failure', new Error('connection refused')],
    ['something that is no Error', "expected 'kept'"],
  ])('fails with %s', async (_title, failure) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a case may throw anything
    const { run } = knownGaps([gap]).of('keys end', () => Promise.reject(failure));
    await expect(run()).rejects.toBe(failure);
  });

  it('refuses a gap that names no case, and two that name one', () => {
    const gaps = knownGaps([gap]);
    expect(() => gaps.close()).toThrow('a known gap names no case of this suite: "keys end"');
    gaps.of('keys end', () => undefined);
    gaps.close();
    expect(() => knownGaps([gap, gap])).toThrow('two known gaps name one case');
  });
});
