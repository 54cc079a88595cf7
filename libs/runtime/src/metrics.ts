import type { Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** `provider`: `namespace/name`; undefined `connected` drops the series of a Provider that is gone. */
  providerConnectivity(provider: string, connected: boolean | undefined): void;
}
