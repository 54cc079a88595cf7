import type { Redacted } from '@operator/outcome';

/** A key pair that signs requests, and the session token of temporary credentials. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Redacted<string>;
  readonly sessionToken?: Redacted<string>;
}

export interface TlsSettings {
  readonly insecureSkipVerify: boolean;
  /** PEM, certificates alone; added to the public roots, never instead of them. Whoever gets a key gets these too. */
  readonly caCertificate?: string;
}

export interface RetrySettings {
  /** Total attempts, the first included; at least 1. */
  readonly maxAttempts: number;
  readonly backoffStrategy: 'exponential' | 'linear';
}

/** All that a driver knows of a Provider: no name, no Kubernetes. */
export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly credentials: Credentials;
  readonly tls: TlsSettings;
  readonly retry: RetrySettings;
  /** Calls per second of one process, in bursts of twice as many; the driver's own measure when absent. */
  readonly requestsPerSecond?: number;
  readonly iamEndpoint?: string;
  readonly iamRegion?: string;
  /** ARN of the permissions boundary of every user; empty: none. Absent: whatever a user has is left as it is. */
  readonly permissionsBoundaryArn?: string;
  /** Where the server's own admin API is; the driver's default when absent. */
  readonly adminEndpoint?: string;
}
