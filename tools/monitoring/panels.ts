/*
 * What the dashboard shows, declared once: the dashboard of Grafana, the test that asks a real Prometheus each query, and the picture in the
 * docs are made from here.
 */

export interface Query {
  /** PromQL, with `$__rate_interval`, `$namespace` and `$provider` of Grafana. */
  readonly expr: string;
  /** Name of each line; a template of Grafana. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** Says more than the title can. */
  readonly description?: string;
  /** As Grafana names it. */
  readonly unit: 'short' | 'ops' | 's' | 'percentunit' | 'bytes';
  readonly queries: readonly Query[];
  /** Whether its lines add up. */
  readonly isStacked?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const p = 'wasabi_s3_operator';
const rate = (metric: string, labels = '') => `rate(${p}_${metric}${labels}[$__rate_interval])`;
const increase = (metric: string) => `increase(${p}_${metric}[$__rate_interval])`;
const quantile = (share: number, by: string, metric: string, labels = '') =>
  `histogram_quantile(${share}, sum by (le, ${by}) (${rate(`${metric}_bucket`, labels)}))`;
const ofNamespace = '{namespace=~"$namespace"}';
/** Of metrics that every program has. */
const ofControllers = '{controller=~"(provider|bucket|policy|accesskey)-controller"}';
const ofProvider = '{provider=~"$provider"}';

export const rows: readonly Row[] = [
  {
    title: 'Objects and Providers',
    panels: [
      {
        title: 'Objects by kind and Ready',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: `sum by (kind, ready) (${p}_objects${ofNamespace})`, legend: '{{kind}}: {{ready}}' }],
      },
      {
        title: 'Objects that are not Ready, by reason',
        unit: 'short',
        isStacked: true,
        queries: [
          {
            expr: `sum by (namespace, kind, reason) (${p}_objects{namespace=~"$namespace",ready!="True"})`,
            legend: '{{namespace}} {{kind}}: {{reason}}',
          },
        ],
      },
      {
        title: 'Longest time not Ready',
        unit: 's',
        queries: [{ expr: `max by (kind, reason) (${p}_longest_not_ready_seconds)`, legend: '{{kind}}: {{reason}}' }],
      },
      {
        title: 'Paused objects',
        unit: 'short',
        isStacked: true,
        queries: [
          { expr: `sum by (namespace, kind) (${p}_paused_objects${ofNamespace})`, legend: '{{namespace}} {{kind}}' },
        ],
      },
      {
        title: 'Connectivity of Providers',
        description: '1 while the last check was good.',
        unit: 'short',
        queries: [{ expr: `max by (provider) (${p}_provider_connectivity${ofProvider})`, legend: '{{provider}}' }],
      },
      {
        title: 'Until certificates end',
        unit: 's',
        queries: [
          {
            expr: `min by (provider) (${p}_provider_certificate_expiry_timestamp_seconds${ofProvider}) - time()`,
            legend: '{{provider}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Reconciling',
    panels: [
      {
        title: 'Passes',
        unit: 'ops',
        isStacked: true,
        queries: [{ expr: `sum by (kind, result) (${rate('reconcile_total')})`, legend: '{{kind}}: {{result}}' }],
      },
      {
        title: 'Share of passes that fail',
        description: 'Result transient: tried again with growing pauses.',
        unit: 'percentunit',
        queries: [
          {
            expr: `(sum by (kind) (${rate('reconcile_total', '{result="transient"}')}) or 0 * sum by (kind) (${rate('reconcile_total')})) / sum by (kind) (${rate('reconcile_total')})`,
            legend: '{{kind}}',
          },
        ],
      },
      {
        title: 'Time of a pass, p50 and p99',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'kind', 'reconcile_duration_seconds'), legend: '{{kind}} p50' },
          { expr: quantile(0.99, 'kind', 'reconcile_duration_seconds'), legend: '{{kind}} p99' },
        ],
      },
      {
        title: 'Drift that was repaired',
        unit: 'short',
        queries: [{ expr: `sum by (kind) (${increase('drift_total')})`, legend: '{{kind}}' }],
      },
      {
        title: 'Buckets that vanished, passes on stale views',
        unit: 'short',
        queries: [
          { expr: `sum(${increase('vanished_buckets_total')})`, legend: 'vanished buckets' },
          { expr: `sum(${increase('stale_views_total')}) or vector(0)`, legend: 'stale views' },
        ],
      },
      {
        title: 'Pause until the next look, p50',
        description: 'It grows while nothing changes.',
        unit: 's',
        queries: [{ expr: quantile(0.5, 'kind', 'resync_pause_seconds'), legend: '{{kind}}' }],
      },
    ],
  },
  {
    title: 'Calls',
    panels: [
      {
        title: 'Calls to Providers by operation',
        unit: 'ops',
        isStacked: true,
        queries: [
          {
            expr: `sum by (service, operation) (${rate('external_calls_total', ofProvider)})`,
            legend: '{{service}} {{operation}}',
          },
        ],
      },
      {
        title: 'Calls that did not answer OK, by code',
        description: 'Not every one is a failure: a bucket without tags answers NoSuchTagSet.',
        unit: 'ops',
        isStacked: true,
        queries: [
          {
            expr: `sum by (provider, operation, code) (${rate('external_calls_total', '{provider=~"$provider",code!="OK"}')})`,
            legend: '{{provider}} {{operation}}: {{code}}',
          },
        ],
      },
      {
        title: 'Time of a call by Provider, p99',
        unit: 's',
        queries: [
          { expr: quantile(0.99, 'provider', 'provider_call_duration_seconds', ofProvider), legend: '{{provider}}' },
        ],
      },
      {
        title: 'Writes to S3 by result',
        unit: 'ops',
        isStacked: true,
        queries: [
          {
            expr: `sum by (operation, result) (${rate('bucket_operations_total')})`,
            legend: '{{operation}}: {{result}}',
          },
        ],
      },
      {
        title: 'Requests to the API server',
        unit: 'ops',
        isStacked: true,
        queries: [
          {
            expr: `sum by (controller, verb, code) (${rate('kubernetes_requests_total')})`,
            legend: '{{controller}} {{verb}}: {{code}}',
          },
        ],
      },
      {
        title: 'Time of a request to the API server, p99',
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, 'controller, verb', 'kubernetes_request_duration_seconds'),
            legend: '{{controller}} {{verb}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Keys',
    panels: [
      {
        title: 'Age of the oldest key',
        unit: 's',
        queries: [{ expr: `max(${p}_access_key_age_seconds)`, legend: 'oldest' }],
      },
      {
        title: 'Until the next rotation',
        description: 'Below zero: overdue.',
        unit: 's',
        queries: [
          { expr: `min(${p}_access_key_next_rotation_timestamp_seconds > 0) - time()`, legend: 'next rotation' },
        ],
      },
      {
        title: 'Keys by age in days',
        unit: 'short',
        queries: [
          { expr: `sum by (older_than_days) (${p}_access_keys)`, legend: 'older than {{older_than_days}} days' },
        ],
      },
    ],
  },
  {
    title: 'Controllers',
    panels: [
      {
        title: 'Objects that wait for a worker',
        unit: 'short',
        queries: [{ expr: `sum by (kind) (${p}_workqueue_depth)`, legend: '{{kind}}' }],
      },
      {
        title: 'Wait for a worker, p99',
        unit: 's',
        queries: [{ expr: quantile(0.99, 'kind', 'workqueue_latency_seconds'), legend: '{{kind}}' }],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [
          {
            expr: `sum by (controller, instance) (process_resident_memory_bytes${ofControllers})`,
            legend: '{{controller}} {{instance}}',
          },
        ],
      },
      {
        title: 'CPU',
        unit: 'short',
        queries: [
          {
            expr: `sum by (controller, instance) (rate(process_cpu_seconds_total${ofControllers}[$__rate_interval]))`,
            legend: '{{controller}} {{instance}}',
          },
        ],
      },
      {
        title: 'Leaders',
        unit: 'short',
        queries: [{ expr: `sum by (controller, lease) (${p}_leader)`, legend: '{{lease}}' }],
      },
      {
        title: 'What runs',
        unit: 'short',
        queries: [
          {
            expr: `count by (controller, version, commit) (${p}_build_info)`,
            legend: '{{controller}} {{version}} {{commit}}',
          },
        ],
      },
    ],
  },
];
