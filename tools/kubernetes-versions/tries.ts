import { kubernetesMinors } from '../local/versions.ts';

/** One run of tests on a choice of versions. */
export interface Try {
  /** Minor version, such as `1.36`. */
  readonly kubernetes: string;
  /** Major version. */
  readonly helm: string;
  readonly files: readonly string[];
}

/** Where it matters which helm it is. */
const chartFiles = ['tools/charts/charts.integration.spec.ts', 'e2e/src/rbac.e2e.spec.ts'];

/** Where it matters which control plane it is: schemas and CEL, watches and Leases, server-side apply, the end of namespaces. */
const controlPlaneFiles = [
  'libs/api/src/admission.integration.spec.ts',
  'libs/runtime/src/controller.integration.spec.ts',
  'libs/runtime/src/informer.integration.spec.ts',
  'libs/secrets/src/owned-secret.integration.spec.ts',
  'e2e/src/convergence.e2e.spec.ts',
  'e2e/src/crd-versions.e2e.spec.ts',
  'e2e/src/namespace.e2e.spec.ts',
  ...chartFiles,
];

/** Each Kubernetes with the current helm, and helm 3 with the Kubernetes that all tests use. */
export const tries: readonly Try[] = [
  ...kubernetesMinors.map((kubernetes) => ({ kubernetes, helm: '4', files: controlPlaneFiles })),
  { kubernetes: '1.36', helm: '3', files: chartFiles },
];

/** What came of a try. */
export interface Kept {
  /** As the programs tell it, with every number. */
  readonly kubernetes: string;
  readonly helm: string;
  readonly passed: number;
  readonly failed: number;
  /** ISO 8601, the day. */
  readonly date: string;
}

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
const head = [cells(['Kubernetes', 'helm', 'passed', 'failed', 'date']), cells(['---', '---', '---', '---', '---'])];

/** Minor version of one, major version of the other. */
const placeOf = (kubernetes: string, helm: string): string =>
  `${/\d+\.\d+/.exec(kubernetes)?.[0] ?? ''} ${/\d+/.exec(helm)?.[0] ?? ''}`;

/** The table with what came of a try in the place of what came of it before; rows in the order of `tries`. `table`: Markdown. */
export const withKept = (table: string, kept: Kept): string => {
  const rows = new Map<string, string>();
  for (const line of table.split('\n')) {
    const [, kubernetes = '', helm = ''] = line.split('|').map((cell) => cell.trim());
    if (/^v?\d/.test(kubernetes)) rows.set(placeOf(kubernetes, helm), line);
  }
  rows.set(
    placeOf(kept.kubernetes, kept.helm),
    cells([kept.kubernetes, kept.helm, String(kept.passed), String(kept.failed), kept.date]),
  );
  return [...head, ...tries.flatMap(({ kubernetes, helm }) => rows.get(placeOf(kubernetes, helm)) ?? [])].join('\n');
};
