/** What flags and environment say, validated. */
export interface RuntimeConfig {
  /** Path of a kubeconfig file; the usual search when absent. */
  readonly kubeconfig: string | undefined;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** Label selector on the controller's own kind: the way to shard. */
  readonly watchSelector: string | undefined;
  readonly workers: number;
  readonly resyncIntervalMs: number;
  readonly leaderElect: boolean;
  readonly leaderElectionNamespace: string | undefined;
  readonly leaderElectionId: string;
  /** Undefined: off. */
  readonly metricsAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly shutdownDeadlineMs: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}
