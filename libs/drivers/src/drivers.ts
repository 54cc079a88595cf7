import type { ProviderSpec } from '@operator/api';
import type { Connection, Driver, DriverDeps } from '@operator/s3';

/** Makes the driver of each type of Provider. */
export type Drivers = Readonly<Record<ProviderSpec['type'], (connection: Connection) => Promise<Driver>>>;

/** All drivers that there are, each loaded when it is first asked for: one that no Provider needs takes no memory. */
export const driversWith = (deps: DriverDeps): Drivers => ({
  aws: async (connection) => (await import('@operator/driver-aws')).createAwsDriver(connection, deps),
  wasabi: async (connection) => (await import('@operator/driver-wasabi')).createWasabiDriver(connection, deps),
  minio: async (connection) => (await import('@operator/driver-minio')).createMinioDriver(connection, deps),
  custom: async (connection) => (await import('@operator/driver-generic')).createGenericDriver(connection, deps),
});
