import { describe, expect, it } from 'vitest';
import { chooseCluster } from './kind.ts';

const fault = 'etcd cannot be had. Install Go';

describe('chooseCluster', () => {
  it.each([
    { wish: undefined, dockerAnswers: false, want: 'loopback' },
    { wish: undefined, dockerAnswers: true, want: 'loopback' },
    { wish: 'kind', dockerAnswers: true, want: 'kind' },
    { wish: 'kind', dockerAnswers: true, loopbackFault: fault, want: 'kind' },
    { wish: undefined, dockerAnswers: true, loopbackFault: fault, want: 'kind' },
  ] as const)('takes $want for wish $wish, Docker $dockerAnswers, fault $loopbackFault', ({ want, ...given }) => {
    expect(chooseCluster(given)).toBe(want);
  });

  it('says that --kind needs Docker', () => {
    expect(() => chooseCluster({ wish: 'kind', dockerAnswers: false })).toThrow(
      /^--kind needs a Docker engine, and none answers/,
    );
  });

  it('says what to install when there is neither', () => {
    expect(() => chooseCluster({ wish: undefined, dockerAnswers: false, loopbackFault: fault })).toThrow(
      /Install Go\n.*Docker engine/,
    );
  });
});
