import type { ProviderSpec } from '@operator/api';
import { waiting } from '@operator/outcome';
import type { Driver } from '@operator/s3';
import { describe, expect, it } from 'vitest';
import type { ResolvedConnection } from './connection.ts';
import { createDriverPool, driverVersion } from './driver-pool.ts';
import { providerOf } from './testing/index.ts';

const provider = providerOf({ serverIdentity: 'http://s3.test' });
const resolved = {} as ResolvedConnection;

const begin = () => {
  const closed: number[] = [];
  let made = 0;
  const make = (): Promise<Driver> => {
    const number = (made += 1);
    return Promise.resolve({
      serverIdentity: String(number),
      close: () => void closed.push(number),
    } as unknown as Driver);
  };
  const pool = createDriverPool({ aws: make, wasabi: make, minio: make, custom: make });
  const driverAt = async (version: string, resolve = () => Promise.resolve(resolved)) =>
    Number((await pool.driverOf(provider, version, resolve)).serverIdentity);
  return { pool, driverAt, closed };
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the pool', () => {
  it('makes one driver for each version, also for callers that come together, and ends the former', async () => {
    const { driverAt, closed } = begin();
    expect(await Promise.all([driverAt('1'), driverAt('1')])).toEqual([1, 1]);
    expect(await driverAt('1')).toBe(1);
    expect(closed).toEqual([]);
    expect(await driverAt('2')).toBe(2);
    expect(closed).toEqual([1]);
  });

  it('resolves only for a version that it has no driver of', async () => {
    const { driverAt } = begin();
    await driverAt('1');
    expect(await driverAt('1', () => Promise.reject(new Error('not needed')))).toBe(1);
  });

  it('keeps no failure: every caller is told, the next one tries again', async () => {
    const { driverAt, closed, pool } = begin();
    const fault = waiting('SecretNotFound', 'gone');
    const failing = () => Promise.reject(fault);
    const both = await Promise.allSettled([driverAt('1', failing), driverAt('1', failing)]);
    expect(both.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined))).toEqual([
      fault,
      fault,
    ]);
    expect(await driverAt('1')).toBe(1);
    pool.close();
    await settle();
    expect(closed).toEqual([1]);
  });

  it('ends the driver of a Provider that is gone', async () => {
    const { driverAt, closed, pool } = begin();
    await driverAt('1');
    pool.drop(provider.metadata.uid);
    pool.drop('another');
    await settle();
    expect(closed).toEqual([1]);
    expect(await driverAt('1')).toBe(2);
  });
});

describe('a version', () => {
  const at = { serverIdentity: 'http://s3.test' };
  const version = driverVersion(provider, '1');

  it.each<[string, Partial<ProviderSpec>]>([
    ['region', { region: 'eu-west-1' }],
    ['pathStyle', { pathStyle: false }],
    ['requestsPerSecond', { requestsPerSecond: 5 }],
    ['iamEndpoint', { iamEndpoint: 'http://iam.test' }],
    ['adminEndpoint', { adminEndpoint: 'http://admin.test' }],
    ['tls', { tls: { insecureSkipVerify: true } }],
    [
      'a key of the same Secret',
      { auth: { ...provider.spec.auth, accessKeySecretRef: { name: 'admin', key: 'other' } } },
    ],
  ])('changes with what a connection is made of: %s', (_title, spec) => {
    expect(driverVersion(providerOf(at, { spec }), '1')).not.toBe(version);
  });

  it('changes with the credentials', () => {
    expect(driverVersion(provider, '2')).not.toBe(version);
  });

  it.each<[string, Partial<ProviderSpec>]>([
    ['allowedNamespaces', { allowedNamespaces: { all: true } }],
    ['checkIntervalSeconds', { checkIntervalSeconds: 5 }],
  ])('stays with what no connection is made of, so that calls in flight go on: %s', (_title, spec) => {
    expect(driverVersion(providerOf(at, { spec }), '1')).toBe(version);
  });

  it('stays in a deletion', () => {
    const leaving = providerOf(at, { metadata: { generation: 2, deletionTimestamp: '2026-05-05T10:00:00Z' } });
    expect(driverVersion(leaving, '1')).toBe(version);
  });
});
