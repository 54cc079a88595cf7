import { driverConformance, lackedBy, startUnderTest, surroundings } from '@operator/testing';
import { startCeph } from '@operator/tools/local';
import { createGenericDriver } from './generic-driver.ts';

/** With STS every key that does not sign well is answered AccessDenied, as one without rights is. */
const conformanceOnCeph = (name: string, sts: boolean) =>
  driverConformance({
    name,
    createDriver: createGenericDriver,
    lacks: lackedBy.ceph,
    surroundings: surroundings.ceph,
    issuesKeys: true,
    locksObjects: true,
    speaksIam: true,
    deniesUnknownKeys: sts,
    start: startUnderTest((options) => startCeph({ ...options, sts, topic: 'events' })),
  });

conformanceOnCeph('the generic driver on Ceph RGW without STS', false);
conformanceOnCeph('the generic driver on Ceph RGW', true);
