import { describe, expect, it } from 'vitest';
import { BadInput, readCommand } from './command.ts';

const read = (...args: readonly string[]) => readCommand(args, () => 7);

describe('the command line of npm run prove', () => {
  it('has the numbers of the proof as defaults', () => {
    expect(read('rotation')).toEqual({
      does: 'rotation',
      servers: undefined,
      rotations: 6,
      rate: 100,
      rereadSeconds: 10,
      seed: 7,
    });
  });

  it('takes everything that can be said', () => {
    const flags = [
      '--servers',
      'moto,ceph',
      '--rotations',
      '5',
      '--rate',
      '50',
      '--reread-seconds',
      '3',
      '--seed',
      '42',
    ];
    expect(read('rotation', ...flags)).toEqual({
      does: 'rotation',
      servers: ['moto', 'ceph'],
      rotations: 5,
      rate: 50,
      rereadSeconds: 3,
      seed: 42,
    });
  });

  it('kills after all reads, or after some that are drawn', () => {
    expect(read('kills')).toEqual({ does: 'kills', servers: undefined, reads: undefined, seed: 7 });
    expect(read('kills', '--servers', 'ceph', '--reads', '2')).toEqual({
      does: 'kills',
      servers: ['ceph'],
      reads: 2,
      seed: 7,
    });
    expect(read('kills', '--page', '--check')).toEqual({ does: 'page', check: true });
  });

  it.each([
    [[], 'Say what to prove: rotation or kills.'],
    [['rotations'], 'There is no proof "rotations". Try: rotation or kills.'],
    [['rotation', '--page'], '--page has no meaning for rotation. Leave it out.'],
    [['kills', '--page', '--reads', '2'], '--reads has no meaning for kills --page. Leave it out.'],
    [['kills', '--reads', 'some'], '--reads: "some" is no whole number from 0 on.'],
    [['rotation', '--servers', 'minio,garage'], '--servers: "garage" is none of minio, moto, seaweedfs, ceph.'],
    [['rotation', '--rotations', '0'], '--rotations: "0" is no whole number from 1 on.'],
    [['rotation', '--rate', 'fast'], '--rate: "fast" is no whole number from 1 on.'],
    [['rotation', '--speed', '9'], "Unknown option '--speed'"],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => read(...args)).toThrow(BadInput);
    expect(() => read(...args)).toThrow(message);
  });
});
