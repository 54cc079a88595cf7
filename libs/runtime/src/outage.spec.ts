import { reasons } from '@operator/api';
import { progressing, settled, transient } from '@operator/outcome';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Stage, createStage, finalizer, resource } from '../test/stage.ts';
import { KubeError } from './kube-error.ts';
import { createOutage, isAway } from './outage.ts';

const refused = (status: number) => new KubeError({ status, reason: 'R', message: 'M' });

describe('an outage of the API server', () => {
  it.each([
    [refused(0), true],
    [refused(429), true],
    [refused(500), true],
    [refused(503), true],
    [transient(reasons.KubernetesUnavailable, ''), true],
    [refused(401), false],
    [refused(403), false],
    [refused(409), false],
    [refused(422), false],
    [transient(reasons.ServerError, ''), false],
    [new TypeError('x'), false],
  ])('is what %s is, or not', (caught, want) => {
    expect(isAway(caught)).toBe(want);
  });

  it('is one line when it begins and one when it ends, however many passes it meets', () => {
    const lines: { level: number; msg: string; ms?: number; err?: unknown }[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
    let nowMs = 0;
    const outage = createOutage(log, () => nowMs);
    outage.answered(200);
    for (let pass = 0; pass < 13; pass += 1) outage.began(refused(0), log);
    outage.answered(503);
    outage.answered(429);
    nowMs = 40_000;
    outage.answered(404);
    outage.answered(200);
    expect(lines.map(({ level, msg, ms }) => [level, msg, ms])).toEqual([
      [40, 'The API server does not answer (M). Statuses stay as they are, and passes are tried again.', undefined],
      [30, 'The API server answers again.', 40_000],
    ]);
    expect(lines[0]).not.toHaveProperty('err');
    // Right after it, it is the same one; later another.
    nowMs = 50_000;
    outage.began(refused(503), log);
    nowMs = 51_000;
    outage.answered(200);
    nowMs = 100_000;
    outage.began(refused(503), log);
    expect(lines.filter(({ level }) => level === 40)).toHaveLength(2);
  });
});

describe('a pass that fails by the API server alone', () => {
  let stage: Stage;
  const since = '2026-05-05T09:00:00Z';
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'Everything is as declared.',
    observedGeneration: 1,
    lastTransitionTime: since,
  };

  beforeEach(async () => {
    stage = createStage();
    for (const name of ['a', 'b', 'c']) {
      stage.api.create(name, {}, { finalizers: [finalizer] });
      stage.api.change(name, { status: { observedGeneration: 1, conditions: [ready] } });
    }
    await stage.startInformer();
  });

  afterEach(() => stage.end());

  it.each([
    ['reads what is not answered', 0],
    ['reads and is told to come back', 429],
    ['reads from a broken server', 500],
    ['writes, which cannot be proven to be right', 503],
  ])('leaves conditions, Events and the log alone where it %s', async (title, away) => {
    let passes = 0;
    stage.api.away = away;
    await stage.startController({
      reconcile: async (_object, pass) => {
        passes += 1;
        if (title.startsWith('reads')) await pass.live(resource, 'n/a');
        else {
          // As a reconciler that goes on after a refused write, and tells it.
          await pass
            .call({ service: 'outside', operation: 'Put', write: true }, async () => undefined)
            .catch(() => progressing({}, { reason: 'Converging', steps: ['paint'] }));
        }
        return settled({});
      },
    });
    await vi.waitUntil(() => passes > 20);
    stage.api.away = undefined;
    const met = passes;
    await vi.waitUntil(() => passes >= met + 3);
    expect(stage.api.statuses).toEqual([]);
    expect(stage.api.find('a')?.status?.conditions).toEqual([ready]);
    expect(stage.events).toEqual([]);
    expect(stage.lines.filter(({ level }) => level === 'warn' || level === 'error')).toHaveLength(1);
  });

  it('is told where the API server refuses it for good', async () => {
    await stage.startController({
      reconcile: () => {
        throw refused(403);
      },
    });
    await vi.waitUntil(() => stage.api.statuses.length > 0);
    expect(stage.api.find('a')?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'Forbidden' },
      { type: 'Reconciling' },
    ]);
    expect(stage.events).toContain('uid-1 Forbidden');
  });
});
