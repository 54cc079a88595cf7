import { describe, expect, it } from 'vitest';
import { parseControllerCommand } from './command.ts';

const names = ['bucket', 'policy'];
const free = ['--metrics-address=127.0.0.1:0', '--health-address=127.0.0.1:0'];

describe('parseControllerCommand', () => {
  it.each([
    ['takes free ports of this machine', ['bucket'], {}, { nodeFlags: [], flags: free }],
    [
      'leaves a port that a flag names',
      ['bucket', '--metrics-address=:8080', '--log-level', 'debug'],
      {},
      { nodeFlags: [], flags: [free[1], '--metrics-address=:8080', '--log-level', 'debug'] },
    ],
    [
      'leaves a port that the environment names',
      ['bucket', '--health-address', '0'],
      { S3_OPERATOR_METRICS_ADDRESS: ':8080' },
      { nodeFlags: [], flags: ['--health-address', '0'] },
    ],
    [
      'hands the debugger to Node alone',
      ['bucket', '--inspect-brk=127.0.0.1:9230', '--workers=1', '--inspect'],
      {},
      { nodeFlags: ['--inspect-brk=127.0.0.1:9230', '--inspect'], flags: [...free, '--workers=1'] },
    ],
  ])('%s', (_title, args, env, want) => {
    expect(parseControllerCommand(args, names, env)).toEqual({ name: 'bucket', ...want });
  });

  it.each([[[]], [['buckets']]])('says what there is for %j', (args) => {
    expect(() => parseControllerCommand(args, names, {})).toThrow('usage: npm run controller -- bucket|policy ');
  });
});
