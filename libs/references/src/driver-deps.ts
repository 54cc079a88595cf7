import { ConfigError, type ControllerTools } from '@operator/runtime';
import { parseDestinations, type DriverDeps, type RefusedDestinations } from '@operator/s3';

/**
 * What the drivers of a process need, by its flags. `version`: of the operator, for the user agent.
 * @throws ConfigError when --refused-destinations names what is no address
 */
export const driverDepsFor = (
  { config, lock }: Pick<ControllerTools, 'config' | 'lock'>,
  process: Pick<DriverDeps, 'version' | 'random' | 'now' | 'elapsedMs'>,
): DriverDeps => {
  const refusedDestinations = refusedBy(config.refusedDestinations);
  return {
    ...process,
    lock,
    ...(refusedDestinations === undefined ? {} : { refusedDestinations }),
  };
};

const refusedBy = (ranges: readonly string[] | undefined): RefusedDestinations | undefined => {
  if (ranges === undefined) return undefined;
  try {
    return parseDestinations(ranges);
  } catch (caught) {
    if (!(caught instanceof RangeError)) throw caught;
    throw new ConfigError(`--refused-destinations: ${caught.message}`);
  }
};
