import { describe, expect, it } from 'vitest';
import { pinnedFiles } from '../images/base.ts';
import { builderOf, provenanceOf } from './provenance.ts';
import { predicatesIn } from './signing.ts';

describe('provenance', () => {
  it('names the workflow and its run', () => {
    const env = {
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'cloud37/wasabi-s3-operator',
      GITHUB_WORKFLOW_REF: 'cloud37/wasabi-s3-operator/.github/workflows/release.yml@refs/tags/v1.2.3',
      GITHUB_RUN_ID: '7',
      GITHUB_RUN_ATTEMPT: '2',
    };
    expect(builderOf(env)).toEqual({
      id: 'https://github.com/cloud37/wasabi-s3-operator/.github/workflows/release.yml@refs/tags/v1.2.3',
      invocation: 'https://github.com/cloud37/wasabi-s3-operator/actions/runs/7/attempts/2',
    });
  });

  it('says of a build by hand that nobody answers for it', () => {
    expect(builderOf({}).id).toMatch(/release\.md#by-hand$/);
  });

  it('lists the commit, the lock file and every file of the base', () => {
    const { buildDefinition, runDetails } = provenanceOf({
      version: '1.2.3',
      commit: 'c'.repeat(40),
      lockDigest: 'd'.repeat(64),
      pinned: pinnedFiles(['arm64']),
      builder: { id: 'https://example.com/builder', invocation: undefined },
    });
    const [source, lock, ...base] = buildDefinition.resolvedDependencies;
    expect(source).toEqual({
      uri: 'git+https://github.com/cloud37/wasabi-s3-operator@refs/tags/v1.2.3',
      digest: { gitCommit: 'c'.repeat(40) },
    });
    expect(lock).toEqual({ name: 'package-lock.json', digest: { sha256: 'd'.repeat(64) } });
    expect(base).toHaveLength(6);
    expect(base.every(({ digest }) => Object.values(digest).every((hex) => /^[0-9a-f]{64,128}$/.test(hex)))).toBe(true);
    expect(runDetails).toEqual({ builder: { id: 'https://example.com/builder' } });
  });
});

describe('what cosign prints of attestations', () => {
  it('is read line by line', () => {
    const line = (predicate: unknown) =>
      JSON.stringify({ payload: Buffer.from(JSON.stringify({ predicate })).toString('base64') });
    expect(predicatesIn(`${line({ a: 1 })}\n${line({ b: 2 })}\n\nWARNING: none\n`)).toEqual([{ a: 1 }, { b: 2 }]);
  });
});
