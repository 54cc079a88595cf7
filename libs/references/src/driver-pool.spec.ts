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

it('a version changes with the spec and with the credentials, and not with a deletion', () => {
  const at = { serverIdentity: 'http://s3.test' };
  const other = providerOf(at, { spec: { region: 'eu-west-1' } });
  const leaving = providerOf(at, { metadata: { generation: 2, deletionTimestamp: '2026-05-05T10:00:00Z' } });
  const versions = [driverVersion(provider, '1'), driverVersion(provider, '2'), driverVersion(other, '1')];
  expect(new Set(versions).size).toBe(3);
  expect(driverVersion(leaving, '1')).toBe(versions[0]);
});
