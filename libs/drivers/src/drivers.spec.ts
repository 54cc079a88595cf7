import { providerSpec, type ProviderSpec } from '@operator/api';
import { connectionTo, driverDeps } from '@operator/testing';
import { expect, it } from 'vitest';
import { driversWith } from './drivers.ts';

it('there is a driver for each type of Provider', async () => {
  const drivers = driversWith(driverDeps());
  const types = providerSpec.properties.type.enum as readonly ProviderSpec['type'][];
  expect(Object.keys(drivers).toSorted()).toEqual([...types].toSorted());
  for (const type of types) {
    const driver = await drivers[type](connectionTo('https://s3.example.com', { region: 'us-east-1' }));
    expect(driver.connection.endpoint).toContain('s3.example.com');
    driver.close();
  }
});
