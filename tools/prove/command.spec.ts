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

  it.each([
    [[], 'Say what to prove: rotation.'],
    [['rotations'], 'There is no proof "rotations". Try: rotation.'],
    [['rotation', '--servers', 'minio,garage'], '--servers: "garage" is none of minio, moto, seaweedfs, ceph.'],
    [['rotation', '--rotations', '0'], '--rotations: "0" is no whole number from 1 on.'],
    [['rotation', '--rate', 'fast'], '--rate: "fast" is no whole number from 1 on.'],
    [['rotation', '--speed', '9'], "Unknown option '--speed'"],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => read(...args)).toThrow(BadInput);
    expect(() => read(...args)).toThrow(message);
  });
});
