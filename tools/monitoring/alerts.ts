import { stringify } from 'yaml';

/*
 * The alerts, declared once: the rules in the chart are generated from here. Each has a page docs/runbooks/<name>.md, and a case in which it
 * fires and one in which it does not in alerts.integration.spec.ts.
 */

export interface Alert {
  readonly name: string;
  /** PromQL. */
  readonly expr: string;
  /** How long `expr` must hold. */
  readonly for: string;
  /** `critical`: now; `warning`: today; `info`: when there is time. */
  readonly severity: 'critical' | 'warning' | 'info';
  /** One sentence; a template of Prometheus. */
  readonly summary: string;
}

const p = 'wasabi_s3_operator';
const runbooks = 'https://github.com/cloud37/wasabi-s3-operator/blob/main/docs/runbooks';

/** Waits for another object, which has an alert of its own, or for people. */
const waitsForOthers = [
  'ProviderNotReady',
  'BucketNotReady',
  'AccessKeyNotReady',
  'InUse',
  'Emptying',
  'RolloutPending',
  'Paused',
].join('|');

/** What servers say to those who ask too often. */
const throttling =
  'SlowDown.*|Throttl.*|TooManyRequests.*|Request(Rate)?LimitExceeded|RequestThrottled.*|BandwidthLimitExceeded|ServerBusy';

export const alerts: readonly Alert[] = [
  {
    name: 'S3OperatorNoLeader',
    // One that was there within a day and leads no more, whether it is scraped or not. Each shard of a controller has a Lease of its own.
    expr: `group by (controller, lease) (last_over_time(${p}_leader[1d])) unless on (controller, lease) (sum by (controller, lease) (${p}_leader) > 0)`,
    for: '5m',
    severity: 'critical',
    summary:
      'No {{ $labels.controller }} leads by the Lease {{ $labels.lease }}, so none of its objects is reconciled.',
  },
  {
    name: 'S3OperatorVersionsDiffer',
    expr: `count by (controller) (count by (controller, version, commit) (${p}_build_info)) > 1`,
    for: '1h',
    severity: 'warning',
    summary: 'Replicas of {{ $labels.controller }} run {{ $value }} versions.',
  },
  {
    name: 'S3ProviderNotConnected',
    expr: `max by (provider) (${p}_provider_connectivity) == 0`,
    for: '5m',
    severity: 'critical',
    summary: 'Provider {{ $labels.provider }} fails its checks.',
  },
  {
    name: 'S3ProviderSlow',
    expr: `histogram_quantile(0.99, sum by (le, provider) (rate(${p}_provider_call_duration_seconds_bucket[10m]))) > 5`,
    for: '15m',
    severity: 'warning',
    summary:
      'One call in a hundred to Provider {{ $labels.provider }} takes {{ $value | humanizeDuration }} or longer.',
  },
  {
    name: 'S3ProviderThrottles',
    expr: `sum by (provider) (rate(${p}_external_calls_total{code=~"${throttling}"}[10m])) > 0.1`,
    for: '15m',
    severity: 'warning',
    summary:
      'Provider {{ $labels.provider }} refuses {{ $value | humanize }} calls a second because there are too many.',
  },
  {
    name: 'S3CertificateExpires',
    expr: `min by (provider) (${p}_provider_certificate_expiry_timestamp_seconds) - time() < 14 * 86400`,
    for: '1h',
    severity: 'warning',
    summary: 'A certificate of Provider {{ $labels.provider }} ends in {{ $value | humanizeDuration }}.',
  },
  {
    name: 'S3ObjectNotReady',
    // A Provider has S3ProviderNotConnected.
    expr: `max by (kind, reason) (${p}_longest_not_ready_seconds{kind!="Provider",reason!~"${waitsForOthers}"}) > 15 * 60`,
    for: '1m',
    severity: 'warning',
    summary: 'A {{ $labels.kind }} has not been Ready for {{ $value | humanizeDuration }}: {{ $labels.reason }}.',
  },
  {
    name: 'S3ObjectsPaused',
    expr: `sum by (namespace, kind) (${p}_paused_objects) > 0`,
    for: '1d',
    severity: 'info',
    summary: '{{ $value }} of kind {{ $labels.kind }} in namespace {{ $labels.namespace }} have been paused for a day.',
  },
  {
    name: 'S3BucketVanished',
    // A controller that has just started counts what vanished meanwhile before its first scrape: no increase is seen then.
    expr: `sum by (controller) (increase(${p}_vanished_buckets_total[1h]) > 0 or (${p}_vanished_buckets_total > 0 unless ${p}_vanished_buckets_total offset 1h))`,
    for: '0s',
    severity: 'critical',
    summary: 'A bucket was gone from its server, with what it held, and was created again, empty.',
  },
  {
    name: 'S3DriftRepeats',
    expr: `sum by (kind) (increase(${p}_drift_total[1h])) > 10`,
    for: '1h',
    severity: 'warning',
    summary: 'Changes to objects of kind {{ $labels.kind }} were undone {{ $value | humanize }} times within an hour.',
  },
  {
    name: 'S3WritesFail',
    expr: `sum by (operation) (rate(${p}_bucket_operations_total{result="error"}[10m])) / sum by (operation) (rate(${p}_bucket_operations_total[10m])) > 0.5`,
    for: '15m',
    severity: 'warning',
    summary: '{{ $value | humanizePercentage }} of {{ $labels.operation }} fail.',
  },
  {
    name: 'S3RotationOverdue',
    expr: `time() - min by (controller) (${p}_access_key_next_rotation_timestamp_seconds > 0) > 3600`,
    for: '15m',
    severity: 'warning',
    summary: 'The rotation of an access key has been due for {{ $value | humanizeDuration }}.',
  },
  {
    name: 'S3PassesFail',
    expr: `sum by (kind) (rate(${p}_reconcile_total{result="transient"}[10m])) / sum by (kind) (rate(${p}_reconcile_total[10m])) > 0.9`,
    for: '15m',
    severity: 'warning',
    summary: '{{ $value | humanizePercentage }} of the passes over objects of kind {{ $labels.kind }} fail.',
  },
  {
    name: 'S3QueueBacklog',
    // Either keys wait long, or nobody takes them.
    expr: `sum by (kind) (${p}_workqueue_depth) > 0 and on (kind) (histogram_quantile(0.99, sum by (le, kind) (rate(${p}_workqueue_latency_seconds_bucket[10m]))) > 30 or sum by (kind) (rate(${p}_reconcile_total[10m])) == 0)`,
    for: '15m',
    severity: 'warning',
    summary: '{{ $value }} objects of kind {{ $labels.kind }} wait for a worker.',
  },
  {
    name: 'S3KubernetesRequestsFail',
    expr: `sum by (controller, resource, code) (rate(${p}_kubernetes_requests_total{code=~"0|403|429|5.."}[10m])) > 0.05`,
    for: '15m',
    severity: 'warning',
    summary: 'The API server answers {{ $labels.code }} to {{ $labels.controller }} about {{ $labels.resource }}.',
  },
  {
    name: 'S3StaleViews',
    expr: `sum by (kind) (increase(${p}_stale_views_total[15m])) > 10`,
    for: '15m',
    severity: 'warning',
    summary: 'Passes over objects of kind {{ $labels.kind }} work on views of the API server that are out of date.',
  },
];

export const runbookOf = ({ name }: Alert): string => `${runbooks}/${name}.md`;

/** The rules as Prometheus reads them, and as `spec` of a PrometheusRule. */
export const rulesFile = (): string =>
  [
    '# Generated from tools/monitoring/alerts.ts by `npm run generate`.',
    stringify(
      {
        groups: [
          {
            name: 's3-provider-operator',
            rules: alerts.map((alert) => ({
              alert: alert.name,
              expr: alert.expr,
              for: alert.for,
              labels: { severity: alert.severity },
              annotations: { summary: alert.summary, runbook_url: runbookOf(alert) },
            })),
          },
        ],
      },
      { lineWidth: 0 },
    ),
  ].join('\n');
