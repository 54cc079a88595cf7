export { bucketContext, bucketSpec, connectionTo, driverDeps, ownerMark, recordingContext } from './builders.ts';
export type { RecordingContext } from './builders.ts';
export { driverConformance } from './conformance.ts';
export type { ConformanceOptions, ServerUnderTest } from './conformance.ts';
export { html, listOfBuckets, refuse, refuseIam, startFakeS3, succeed } from './fake-s3.ts';
export type { FakeAnswer, FakeRequest, FakeS3 } from './fake-s3.ts';
export { testCertificate } from './test-certificate.ts';
