import { describe, expect, it } from 'vitest';
import { conclude, runStages, type Stage, type StageResult } from './stages.ts';

const good = { passed: 2, failed: 0 };
const bad = { passed: 1, failed: 1 };
const absent = { notRun: 'no root' };
const stage = (name: string, result: StageResult | Error, ...needs: readonly string[]): Stage => ({
  name,
  needs,
  run: () => (result instanceof Error ? Promise.reject(result) : Promise.resolve(result)),
});
const { signal } = new AbortController();

async function run(...stages: readonly Stage[]) {
  const said: string[] = [];
  const results = await runStages(stages, { signal, log: (line) => said.push(line) });
  return { results: Object.fromEntries(results), said, ...conclude(stages, results) };
}

describe('runStages', () => {
  it('runs all, in their order, whatever fails', async () => {
    const { results, said } = await run(stage('one', bad), stage('two', new Error('broken')), stage('three', good));
    expect(results).toEqual({ one: bad, two: { passed: 0, failed: 1 }, three: good });
    expect(said.filter((line) => line.startsWith('\n'))).toEqual(['\n== one', '\n== two', '\n== three']);
    expect(said).toContain('broken');
  });

  it('counts a stage whose need failed as failed, without running it', async () => {
    const { results, said } = await run(stage('one', bad), stage('two', good, 'one'));
    expect(results.two).toEqual({ passed: 0, failed: 1 });
    expect(said).toContain('\n== two: not run, for want of: one');
  });

  it('does not run a stage whose need cannot be had here, and does not count it', async () => {
    const { results, total } = await run(stage('one', absent), stage('two', bad, 'one'), stage('three', good));
    expect(results).toEqual({ one: absent, two: absent, three: good });
    expect(total).toEqual(good);
  });

  it('ends with the stage that was interrupted, which has no result', async () => {
    const stop = new AbortController();
    const interrupted: Stage = {
      name: 'two',
      run: () => {
        stop.abort();
        return Promise.reject(new Error('interrupted'));
      },
    };
    const results = await runStages([stage('one', good), interrupted, stage('three', good)], {
      signal: stop.signal,
      log: () => undefined,
    });
    expect([...results.keys()]).toEqual(['one']);
  });
});

describe('conclude', () => {
  it('says what held, which tests failed and what was not run, and adds up', () => {
    const names = ['one', 'two', 'three'].map((name) => ({ name }));
    const results = new Map<string, StageResult>([
      ['one', good],
      ['two', { ...bad, failures: ['stays up: expected 1 to be 2'] }],
      ['three', absent],
    ]);
    expect(conclude(names, results)).toEqual({
      lines: [
        'held   one: 2 passed, 0 failed',
        'FAILED two: 1 passed, 1 failed',
        '       stays up: expected 1 to be 2',
        'not run: three (no root)',
      ],
      total: { passed: 3, failed: 1 },
    });
  });

  it('counts a stage that was not reached as a failure', () => {
    expect(conclude([{ name: 'one' }, { name: 'two' }], new Map([['one', good]])).total).toEqual({
      passed: 2,
      failed: 1,
    });
  });
});
