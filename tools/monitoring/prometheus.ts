import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, obtainServers, startChild, waitUntilReady } from '../local/index.ts';
import { rulesFile } from './alerts.ts';

/** One line of an answer: its labels, and its points in time. */
export interface Line {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value as text. */
  readonly values: readonly (readonly [number, string])[];
}

export interface Rule {
  readonly name: string;
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly health: string;
  readonly lastError?: string;
  readonly lastEvaluation: string;
}

/** A Prometheus of our own that scrapes every second, with our alerts. */
export interface Prometheus {
  readonly url: string;
  /** What a query gives between two times in seconds since 1970. @throws Error with its words when it refuses the query */
  range(expr: string, from: number, to: number): Promise<readonly Line[]>;
  rules(): Promise<readonly Rule[]>;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** Its own folder, which is there. */
  readonly dir: string;
  /** `host:port` of each `/metrics`. */
  readonly targets: readonly string[];
}

/** `targets` get labels as Kubernetes service discovery gives them to what a ServiceMonitor of our charts selects. */
export const startPrometheus = async ({ dir, targets }: PrometheusOptions): Promise<Prometheus> => {
  const { prometheus } = await obtainServers(['prometheus']);
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [
      {
        job_name: 's3-operator',
        honor_labels: true,
        static_configs: [{ targets, labels: { namespace: 's3-operator', service: 'metrics' } }],
      },
    ],
  };
  writeFileSync(join(dir, 'alerts.yaml'), rulesFile());
  writeFileSync(join(dir, 'prometheus.yaml'), stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const child = await startChild({
    name: 'prometheus',
    command: prometheus,
    args: [
      `--config.file=${join(dir, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    logPath: join(dir, 'prometheus.log'),
    lifetime: 'parent',
  });
  await waitUntilReady(child, async () => (await fetch(`${url}/-/ready`)).ok);
  const get = async (path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const response = await fetch(`${url}/api/v1/${path}?${String(new URLSearchParams(query))}`);
    const answer = (await response.json()) as { readonly data?: unknown; readonly error?: string };
    if (!response.ok) throw new Error(`${answer.error ?? response.statusText}: ${query.query ?? path}`);
    return answer.data;
  };
  return {
    url,
    async range(query, from, to) {
      const step = String(Math.max(1, Math.round((to - from) / 100)));
      const data = await get('query_range', { query, start: String(from), end: String(to), step });
      return (data as { readonly result: readonly Line[] }).result;
    },
    async rules() {
      const { groups } = (await get('rules')) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
      return groups.flatMap(({ rules }) => rules);
    },
    stop: () => child.stop(),
  };
};
