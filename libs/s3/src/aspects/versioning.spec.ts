import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  startFakeS3,
  succeed,
} from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { createWirePool } from '../wire-pool.ts';
import { versioning } from './versioning.ts';

const on = { enabled: true, mfaDelete: false };
const off = { enabled: false, mfaDelete: false };
const guarded = { enabled: true, mfaDelete: true };

describe('versioning', () => {
  it('is not ours to manage when the spec is silent', () => {
    expect(versioning.desired(bucketSpec(), bucketContext())).toBeUndefined();
    expect(versioning.desired(bucketSpec({ versioning: on }), bucketContext())).toEqual(on);
  });

  it.each([
    ['on, as wanted', on, on, undefined],
    ['off, wanted on', on, off, on],
    ['on, wanted off', off, on, off],
    ['without MFA delete, wanted with', guarded, on, guarded],
  ])('%s: writes %#', (_title, want, have, to) => {
    expect(versioning.diff(want, have)).toEqual(to);
  });

  it('needs MFA delete for a change of it alone, and leaves it as it is without', () => {
    expect(versioning.needs?.(guarded, on)).toEqual(['mfaDelete']);
    expect(versioning.needs?.(on, guarded)).toEqual(['mfaDelete']);
    expect(versioning.needs?.(off, on)).toEqual([]);
    expect(versioning.needs?.(guarded, guarded)).toEqual([]);
    expect(versioning.without?.(guarded, off, ['mfaDelete'])).toEqual(on);
  });

  it.each([
    ['<VersioningConfiguration/>', off],
    ['<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>', off],
    ['<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>', on],
    [
      '<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>',
      guarded,
    ],
  ])('reads %s', async (body, want) => {
    const fake = await startFakeS3();
    fake.answer(() => succeed(body));
    const pool = createWirePool(connectionTo(fake.endpoint), driverDeps());
    try {
      expect(await versioning.read({ wire: pool.wire(), bucket: 'photos' }, recordingContext())).toEqual(want);
    } finally {
      pool.close();
      await fake.close();
    }
  });
});
