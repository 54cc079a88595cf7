import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './command.ts';

const known = [
  { name: 'converge' },
  { name: 'rest' },
  { name: 'emptying', only: 'whole' },
  { name: 'growth', only: 'named' },
] as const;

describe('the command line of the benchmarks', () => {
  it('runs what is not run by name alone when it names nothing', () => {
    expect(readOptions([], known)).toEqual({
      scenarios: ['converge', 'rest', 'emptying'],
      repeat: 1,
      quick: false,
      runs: 3,
      sizes: [300, 1_000],
      kinds: ['Bucket', 'BucketPolicy', 'AccessKey'],
      crowdBuckets: 10_000,
      soakMinutes: 10,
      fleets: [2_500, 5_000, 10_000, 20_000],
      shards: [1, 2, 4, 8],
      peers: new Map(),
      save: true,
      check: false,
    });
  });

  it('takes what it is given', () => {
    const given = [
      ...['rest', '--runs=5', '--repeat=4', '--sizes', '20,10', '--soak-minutes=2'],
      ...['--peer=insee=/a=b', '--no-save'],
    ];
    expect(readOptions(given, known)).toMatchObject({
      scenarios: ['rest'],
      runs: 5,
      repeat: 4,
      sizes: [10, 20],
      soakMinutes: 2,
      peers: new Map([['insee', '/a=b']]),
      save: false,
    });
    expect(readOptions(['--quick', '--check'], known)).toMatchObject({
      scenarios: ['converge', 'rest'],
      runs: 1,
      sizes: [100],
      check: true,
    });
    expect(readOptions(['growth', '--fleets=20,10', '--shards=4'], known)).toMatchObject({
      scenarios: ['growth'],
      fleets: [10, 20],
      shards: [4],
    });
    expect(readOptions(['rest', '--check'], known)).toMatchObject({ scenarios: ['rest'], check: true });
  });

  it('runs nothing for files of results', () => {
    expect(readOptions(['--compare', 'a', 'b'], known)).toEqual({ compare: ['a', 'b'] });
    expect(readOptions(['--check', 'a.jsonl', 'b.jsonl'], known)).toEqual({ check: ['a.jsonl', 'b.jsonl'] });
    expect(readOptions(['--record', 'a.jsonl'], known)).toEqual({ record: ['a.jsonl'] });
  });

  it.each([
    [['nothing'], 'no scenario nothing; there are: converge, rest, emptying, growth'],
    [['--fast'], '--fast'],
    [['--runs=0'], '--runs: "0" is no positive number'],
    [['--repeat=0'], '--repeat: "0" is no positive number'],
    [['--runs=1.5'], '--runs: 1.5 is no whole number'],
    [['--sizes=10,10.5'], '--sizes: 10.5 is no whole number'],
    [['--sizes=1,x'], '--sizes: "x" is no positive number'],
    [['--kinds=Bucket,Secret'], '--kinds: no Secret; there are: Bucket, BucketPolicy, AccessKey'],
    [['--peer=insee'], '--peer: "insee" is not NAME=FOLDER'],
    [['--compare', 'a'], '--compare takes two files of results'],
    [['--record'], '--record takes files of results'],
    [['--check', 'rest', 'a.jsonl'], '--check takes files of results, or scenarios to run, not both'],
    [['--compare', '--record', 'a', 'b'], '--compare and --record do not go together'],
    [['--sizes=10,10'], '--sizes: 10,10 has one number twice'],
  ])('refuses %j', (given, message) => {
    const reading = () => readOptions(given, known);
    expect(reading).toThrow(UsageError);
    expect(reading).toThrow(message);
  });
});
