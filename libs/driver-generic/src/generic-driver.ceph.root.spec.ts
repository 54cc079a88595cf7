import { driverConformance, lackedBy, startUnderTest, type KnownGap } from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

const gaps: readonly KnownGap[] = [
  {
    title: 'are not issued beyond the most that one user may hold',
    id: 'E5',
    why: 'Ceph has no limit of two keys for each user.',
    endsWith: /expected a Fault, but the call succeeded/,
  },
];

/** With STS every key that does not sign well is answered AccessDenied, as one without rights is. */
const conformanceOnCeph = (name: string, sts: boolean) =>
  driverConformance({
    name,
    createDriver: createGenericDriver,
    lacks: lackedBy.ceph,
    issuesKeys: true,
    locksObjects: true,
    deniesUnknownKeys: sts,
    start: startUnderTest((options) => startCeph({ ...options, sts })),
    knownGaps: gaps,
  });

conformanceOnCeph('the generic driver on Ceph RGW without STS', false);
conformanceOnCeph('the generic driver on Ceph RGW', true);
