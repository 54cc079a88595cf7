import { describe, expect, it } from 'vitest';
import { createSpanDrafts, type SpanDraft, type SpanDrafts } from './span-drafts.ts';

/** Drafts of a clock that this test moves, and what they send: `name`, of a failure `name: type`. */
const recorded = (quietRatio: number, drawn: readonly number[] = []) => {
  const clock = { ms: 1_000 };
  const sent: string[] = [];
  const times: [number, number][] = [];
  const draws = [...drawn];
  const drafts = createSpanDrafts({
    quietRatio,
    random: () => draws.shift() ?? 0.5,
    monotonicMs: () => clock.ms,
    now: () => 1_700_000_000_000,
    send({ name, failures, startTime }, time) {
      sent.push([name, ...failures.map(({ failure }) => failure.type)].join(': '));
      times.push([startTime, time]);
    },
  });
  return { drafts, sent, times, clock };
};

const span = (name: string, root = false) => ({ name, kind: undefined, attributes: {}, root });

/** A pass of one step and one call, in which this happens. */
const pass = (drafts: SpanDrafts, within: (draft: SpanDraft) => unknown = () => undefined): Promise<void> =>
  drafts.run(span('pass', true), () =>
    drafts.run(span('step'), () =>
      drafts.run(span('call'), async (draft) => {
        await within(draft);
      }),
    ),
  );

describe('the spans of a pass', () => {
  it('are sent for a share of the quiet ones, whole or not at all', async () => {
    const { drafts, sent } = recorded(0.1, [0.1, 0.0999]);
    await pass(drafts);
    expect(sent).toEqual([]);
    await pass(drafts);
    expect(sent).toEqual(['call', 'step', 'pass']);
  });

  it.each([
    [0, []],
    [1, ['call', 'step', 'pass']],
  ])('are sent for none or all of the quiet ones with a ratio of %s', async (ratio, expected) => {
    const { drafts, sent } = recorded(ratio, [0.999_999]);
    await pass(drafts);
    expect(sent).toEqual(expected);
  });

  it('are sent whole where something is written', async () => {
    const { drafts, sent } = recorded(0);
    await pass(drafts, (draft) => drafts.keep(draft));
    expect(sent).toEqual(['call', 'step', 'pass']);
  });

  it('are sent whole where something failed, also at the end and after quiet calls', async () => {
    const { drafts, sent } = recorded(0);
    await drafts.run(span('pass', true), async (root) => {
      await drafts.run(span('look'), () => Promise.resolve());
      drafts.fail(root, { type: 'Throttled', message: 'The server is busy.' });
    });
    expect(sent).toEqual(['look', 'pass: Throttled']);
  });

  it('are sent whole where one took a second, and what came before it', async () => {
    const { drafts, sent, clock } = recorded(0);
    await drafts.run(span('pass', true), async () => {
      await drafts.run(span('quick'), () => Promise.resolve());
      await drafts.run(span('slow'), async () => {
        clock.ms += 1_000;
      });
      expect(sent).toEqual(['quick', 'slow']);
    });
    expect(sent).toEqual(['quick', 'slow', 'pass']);
  });

  it('do not gather without end where a pass makes very many calls', async () => {
    const { drafts, sent } = recorded(0);
    await drafts.run(span('pass', true), async () => {
      for (let call = 0; call < 1_000; call += 1) await drafts.run(span('call'), () => Promise.resolve());
      expect(sent.length).toBe(1_000);
    });
  });

  it('are no part of a pass that is over, though it has set them going', async () => {
    const { drafts, sent } = recorded(0);
    const over = Promise.withResolvers<undefined>();
    let later: Promise<SpanDraft> | undefined;
    let trailing: Promise<undefined> | undefined;
    const root = await drafts.run(span('pass', true), async (pass) => {
      trailing = drafts.run(span('trailing'), () => over.promise);
      later = over.promise.then(() => drafts.run(span('watch'), async (watch) => watch));
      return pass;
    });
    over.resolve(undefined);
    await trailing;
    const watch = await later;
    expect(watch?.parent).toBeUndefined();
    expect(watch?.trace).not.toBe(root.trace);
    expect(root.trace.ended).toEqual([]);
    expect(sent).toEqual([]);
  });

  it('are sent with a pass that is over, where that was sent', async () => {
    const { drafts, sent } = recorded(1);
    const over = Promise.withResolvers<undefined>();
    let trailing: Promise<undefined> | undefined;
    await drafts.run(span('pass', true), async () => {
      trailing = drafts.run(span('trailing'), () => over.promise);
    });
    over.resolve(undefined);
    await trailing;
    expect(sent).toEqual(['pass', 'trailing']);
  });

  it('have a trace and a clock of their own in each of two passes at once', async () => {
    const { drafts, sent, times, clock } = recorded(0);
    const ids = new Set<string>();
    await Promise.all(
      [0, 1].map((nth) =>
        drafts.run(span(`pass ${nth}`, true), async (root) => {
          ids.add(root.trace.traceId);
          await drafts.run(span(`call ${nth}`), async (call) => {
            expect(call.parent).toBe(root);
            clock.ms += 10;
            if (nth === 1) drafts.keep(call);
          });
        }),
      ),
    );
    expect(ids.size).toBe(2);
    expect(sent).toEqual(['call 1', 'pass 1']);
    for (const [from, to] of times) {
      expect(from).toBeGreaterThanOrEqual(1_700_000_000_000);
      expect(to - from).toBe(10);
    }
  });
});
