export type {
  Aspect,
  AspectView,
  BoundAspect,
  BucketContext,
  BucketWire,
  OwnerMark,
  Step,
} from './aspect.ts';
export type { Connection, Credentials, RetrySettings, TlsSettings } from './connection.ts';
export type { Capabilities, Driver, DriverFactory, Health, Support } from './driver.ts';
export type { IamPolicy, KeyIssuer, KeyPair, KeyUser, ObservedKey, ObservedUser } from './key-issuer.ts';
export type { S3Command, Wire } from './wire.ts';
