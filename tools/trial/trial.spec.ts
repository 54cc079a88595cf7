import { describe, expect, it } from 'vitest';
import { parseTrialCommand } from './command.ts';
import { describeConditions, describeReady, isReady } from './objects.ts';
import { proveKey } from './proof.ts';

const bucket = (status?: string, observedGeneration = 2) => ({
  kind: 'Bucket',
  metadata: { name: 'quickstart', generation: 2 },
  ...(status === undefined
    ? {}
    : {
        status: { observedGeneration, conditions: [{ type: 'Ready', status, reason: 'Because', message: 'so it is' }] },
      }),
});

describe('parseTrialCommand', () => {
  it('stays, on loopback, when nothing is asked', () => {
    expect(parseTrialCommand([])).toEqual({ once: false, node: false, kind: false });
    expect(parseTrialCommand(['--once', '--kind'])).toEqual({ once: true, node: false, kind: true });
    expect(parseTrialCommand(['--node'])).toEqual({ once: false, node: true, kind: false });
  });

  it('refuses what it does not know', () => {
    expect(() => parseTrialCommand(['--twice'])).toThrow(/--twice[^]*usage: npm start/);
    expect(() => parseTrialCommand(['--node', '--kind'])).toThrow(/use one\nusage: npm start/);
  });
});

describe('an object of the trial', () => {
  it.each([
    ['Ready for this generation', bucket('True'), true],
    ['Ready for an earlier generation', bucket('True', 1), false],
    ['not Ready', bucket('False'), false],
    ['without a verdict', bucket(), false],
  ])('%s', (_name, object, want) => {
    expect(isReady(object)).toBe(want);
  });

  it('is described by its verdict', () => {
    expect(describeReady(bucket())).toBe('Bucket quickstart: no verdict yet');
    expect(describeReady(bucket('False'))).toBe('Bucket quickstart: Ready=False Because (so it is)');
    expect(describeConditions(bucket('False'))).toEqual(['Bucket quickstart: Ready=False Because: so it is']);
  });
});

describe('proveKey', () => {
  it('names what the Secret lacks', async () => {
    await expect(proveKey({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' })).rejects.toThrow(
      'the issued Secret has no bucket',
    );
  });
});
