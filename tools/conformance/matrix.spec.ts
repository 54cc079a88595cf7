import { declarationsWith, surroundings } from '@operator/testing/declarations';
import { describe, expect, it } from 'vitest';
import { isUserOfRun } from './cleaning-users.ts';
import { isOfRun } from './cleaning.ts';
import { isMatrixCurrent, keptReport } from './kept.ts';
import { toMatrix } from './matrix.ts';
import { rawCalls } from './raw.ts';
import { readReport, toYaml, type Report } from './report.ts';

const report: Report = {
  apiVersion: 'conformance.s3.cloud37.dev/v1alpha1',
  kind: 'ConformanceReport',
  date: '2026-11-29',
  implementation: { project: 'wasabi-s3-operator', version: '0.1.0' },
  server: { name: 'store', version: '1.2', type: 'custom' },
  howToReproduce: 'npm run conformance -- --type custom --endpoint https://s3.example.com',
  profiles: [
    {
      name: 'Bucket',
      result: 'success',
      statistics: { passed: 3, failed: 0 },
      features: {
        cors: { verdict: 'lies', passed: 1, failed: 0, because: 'cors: it is not kept.' },
        tagging: { verdict: 'supported', passed: 2, failed: 0 },
      },
      failures: [],
    },
  ],
};

describe('the matrix', () => {
  it('has a column for each report and a row for each feature, and says why not', () => {
    const other: Report = { ...report, server: { ...report.server, name: 'other' }, profiles: [] };
    const page = toMatrix([report, other]);
    expect(page).toContain('| feature | store | other |');
    expect(page).toContain('| cors | **lies** | not tried |');
    expect(page).toContain('| tagging | yes | not tried |');
    expect(page).toContain('- cors: lies. cors: it is not kept.');
    expect(page).not.toContain('- tagging');
  });

  it('is made from reports that read as they were written', () => {
    expect(readReport(toYaml(report))).toEqual(report);
    expect(() => readReport('kind: Deployment\n')).toThrow('not a ConformanceReport');
  });

  it('is current, and so docs/compatibility.md tells what docs/conformance says', async () => {
    expect(await isMatrixCurrent(), 'run: npm run conformance -- --matrix').toBe(true);
  });

  it.each(['minio', 'moto', 'versitygw', 'seaweedfs', 'ceph'] as const)('has a whole report of %s', (server) => {
    const kept = keptReport(server);
    expect(kept?.server.name).toBe(server);
    expect(kept?.profiles.map(({ name }) => name)).toEqual(['Bucket', 'Policy', 'Keys', 'Events']);
  });
});

/** Features of other services and admin APIs, which no call of the S3 API can try. */
const elsewhere: readonly string[] = ['quota', 'cloudTrail'];

it('a plain client can try every feature of the table of declarations', () => {
  const untried = declarationsWith(surroundings.moto).filter(
    ({ feature }) => rawCalls[feature] === undefined && !elsewhere.includes(feature),
  );
  expect(
    untried.map(({ feature }) => feature),
    'add them to tools/conformance/raw.ts',
  ).toEqual([]);
});

it.each([
  ['the owner tags of a run', { 's3.cloud37.dev/namespace': 'conformance-run-0a1b2c3d' }, true],
  ['the tag of a bucket that the suite made itself', { 'wasabi-s3-operator-conformance': 'conformance-run-0a' }, true],
  ['the owner tags of an operator at work', { 's3.cloud37.dev/namespace': 'team-a' }, false],
  ['tags of somebody else', { team: 'conformance-run-0a1b2c3d' }, false],
  ['no tags', {}, false],
])('a bucket with %s is a run’s: %s', (_title, tags, wanted) => {
  expect(isOfRun(tags)).toBe(wanted);
});

it.each([
  ['s3-conformance-run-0a1b2c3d-life-0123456789abcdef', true],
  ['s3-team-a-life-0123456789abcdef', false],
  ['conformance-run-0a1b2c3d', false],
])('user %s is a run’s: %s', (name, wanted) => {
  expect(isUserOfRun(name)).toBe(wanted);
});
